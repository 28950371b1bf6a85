"""Train the landmark network that forensics runs as ONNX.

    python -m whichface.detectors.training.landmarks --data ../shared/data/faces -o .work/landmarks

The folder keeps the cache of crops, a checkpoint to resume from and the exported network. The network
of forensics/weights was trained so: 24 minutes, then detectors/training/landmarks_mine.py with the
network of minute 18, then to minute 44 with the hard negatives, on one thread of a shared machine.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whichface.forensics.geometry import LEFT_EYE, LEFT_IRIS, MOUTH_CORNERS, RIGHT_EYE, RIGHT_IRIS
from whichface.forensics.landmarks import INPUT, POINTS

from .landmarks_augment import AugmentConfig, Example, example, jitter
from .landmarks_data import FaceCache, build_cache, load_cache, mirror_order
from .landmarks_export import export
from .landmarks_net import LandmarkNet
from .timed_run import TimedRun, rise_and_fall, save_whole

EYES = (*RIGHT_EYE, *LEFT_EYE, 7, 163, 145, 154, 155, 173, 157, 159, 161, 246)
EYES_LEFT = (249, 390, 374, 381, 382, 398, 384, 386, 388, 466)
LIPS = (0, 13, 14, 17, 37, 39, 40, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191)
LIPS_LEFT = (267, 269, 270, 308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415)


@dataclass(frozen=True, slots=True)
class LandmarkConfig:
    """How the network is trained."""

    minutes: float = 40.0
    """Wall-clock budget; the learning rate falls along it."""
    batch: int = 64
    rate: float = 2e-3
    """Largest learning rate of AdamW."""
    weight_decay: float = 0.02
    beta: float = 0.03
    """Where the smooth L1 loss turns from square to straight, in interocular distances."""
    eye_weight: float = 2.5
    """Weight of the points of eyes and irises."""
    mouth_weight: float = 1.8
    presence_weight: float = 0.3
    cover_weight: float = 0.05
    ema: float = 0.998
    """Decay of the averaged weights that are validated and exported."""
    export_minutes: float = 4.0
    """Minutes between validations, each of which exports when better."""
    seed: int = 0
    threads: int = 1
    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of one step."""

    crops: Tensor
    points: Tensor
    present: Tensor
    covered: Tensor


def collate(examples: list[Example]) -> Batch:
    """Stack examples; crops become float 0..255 NCHW."""
    crops = torch.from_numpy(np.stack([e.crop for e in examples])).permute(0, 3, 1, 2).float()
    return Batch(
        crops,
        torch.from_numpy(np.stack([e.points for e in examples])),
        torch.tensor([float(e.present) for e in examples]),
        torch.tensor([e.covered for e in examples], dtype=torch.float32),
    )


def batches(
    cache: FaceCache, order: NDArray[np.int64], config: LandmarkConfig, seed: int
) -> Iterator[Batch]:
    """Endless random batches."""
    rng = np.random.default_rng((config.seed, seed))
    while True:
        queue = rng.permutation(len(cache.crops))
        for start in range(0, len(queue) - config.batch + 1, config.batch):
            rows = queue[start : start + config.batch]
            yield collate([example(cache, int(i), order, rng, config.augment) for i in rows])


def point_weights(config: LandmarkConfig) -> Tensor:
    """(478,) weights with mean 1."""
    weights = torch.ones(POINTS)
    weights[[*LIPS, *LIPS_LEFT, *MOUTH_CORNERS]] = config.mouth_weight
    weights[[*EYES, *EYES_LEFT, *RIGHT_IRIS, *LEFT_IRIS]] = config.eye_weight
    return weights / weights.mean()


def loss_of(net: nn.Module, batch: Batch, weights: Tensor, config: LandmarkConfig) -> Tensor:
    """Smooth L1 in interocular distances, plus the two logits' cross entropies."""
    points, scores = net(batch.crops)
    present = batch.present
    low, high = batch.points.amin(1), batch.points.amax(1)
    unit = ((high - low).amax(1) / 2.6).clamp_min(8.0)
    error = (points - batch.points) / unit[:, None, None]
    shape = nn.functional.smooth_l1_loss(
        error, torch.zeros_like(error), beta=config.beta, reduction="none"
    )
    shape = (shape.sum(2) * weights).mean(1)
    there = nn.functional.binary_cross_entropy_with_logits(scores[:, 0], present)
    hidden = nn.functional.binary_cross_entropy_with_logits(
        scores[:, 1], batch.covered, reduction="none"
    )
    count = present.sum().clamp_min(1.0)
    return (
        (shape * present).sum() / count
        + config.presence_weight * there
        + config.cover_weight * (hidden * present).sum() / count
    )


def fixed_batches(
    cache: FaceCache, order: NDArray[np.int64], config: LandmarkConfig
) -> list[Batch]:
    """The same validation examples every time."""
    rng = np.random.default_rng(99)
    rows = rng.permutation(len(cache.crops))[:960]
    return [
        collate([example(cache, int(i), order, rng, config.augment) for i in rows[s : s + 64]])
        for s in range(0, len(rows), 64)
    ]


@torch.no_grad()
def validate(net: nn.Module, held: list[Batch]) -> dict[str, float]:
    """Mean error in interocular distances, and how presence separates."""
    net.eval()
    errors, scores, labels, hidden = [], [], [], []
    for batch in held:
        points, logits = net(batch.crops)
        eyes = [batch.points[:, list(eye)].mean(1) for eye in (LEFT_EYE, RIGHT_EYE)]
        unit = (eyes[0] - eyes[1]).norm(dim=1).clamp_min(4.0)
        error = (points - batch.points).norm(dim=2).mean(1) / unit
        there = batch.present > 0.5
        errors.append(error[there])
        hidden.append((logits[:, 1].sigmoid() - batch.covered).abs()[there])
        scores.append(logits[:, 0])
        labels.append(there)
    score, label = torch.cat(scores), torch.cat(labels)
    return {
        "nme": float(torch.cat(errors).mean()),
        "nme_median": float(torch.cat(errors).median()),
        "recall_at_half": float((score[label] > 0).float().mean()),
        "false_at_half": float((score[~label] > 0).float().mean()),
        "cover_error": float(torch.cat(hidden).mean()),
    }


def start_shapes(cache: FaceCache, config: LandmarkConfig) -> NDArray[np.float32]:
    """(3000, 478, 2) jittered shapes in pixels of the crop."""
    rng = np.random.default_rng(config.seed)
    rows = rng.integers(0, len(cache.points), 3000)
    frames = [jitter(rng, config.augment).matrix(INPUT) for _ in rows]
    shapes = [cache.points[i] @ m[:, :2].T + m[:, 2] for i, m in zip(rows, frames, strict=True)]
    return np.stack(shapes).astype(np.float32)


def begin(cache: FaceCache, output: Path, config: LandmarkConfig) -> TimedRun[LandmarkNet]:
    """A fresh run, or the one in `output`/last.pt; its best is the smallest validation error."""
    net, last = LandmarkNet(), output / "last.pt"
    net.start_from(start_shapes(cache, config))
    return TimedRun.begin(
        net, LandmarkNet(), last, rate=config.rate, weight_decay=config.weight_decay, best=math.inf
    )


def review(state: TimedRun[LandmarkNet], held: list[Batch], output: Path) -> None:
    """Validate, export when better, and store the state."""
    figures = validate(state.mean, held)
    record = {"minutes": state.spent / 60, "step": state.step, "loss": state.loss} | figures
    line = json.dumps({key: round(value, 5) for key, value in record.items()})
    print(line, file=sys.stderr, flush=True)
    if figures["nme"] < state.best:
        state.best = figures["nme"]
        save_whole(state.mean.state_dict(), output / "best.pt")
        export(state.mean, output / "landmarks.onnx")
    state.save(output / "last.pt")


def learn(state: TimedRun[LandmarkNet], batch: Batch, weights: Tensor, config: LandmarkConfig) -> None:
    """One step."""
    state.net.train()
    rate = rise_and_fall(state.spent / (60 * config.minutes), config.rate, 0.03)
    state.descend(loss_of(state.net, batch, weights, config), rate, clip=1.0)
    state.follow(config.ema)


def train(data: Path, output: Path, config: LandmarkConfig) -> None:
    """Train until the budget is spent; resume from `output`/last.pt if it is there."""
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(config.threads)
    torch.manual_seed(config.seed)
    if not (output / "train-points.npy").exists():
        build_cache(data, output, config.seed)
    cache = load_cache(output, "train")
    order = mirror_order(cache.points)
    held = fixed_batches(load_cache(output, "val"), order, config)
    (output / "config.json").write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    state, weights = begin(cache, output, config), point_weights(config)
    before, reviewed = state.spent, state.spent
    since = time.monotonic()
    for batch in batches(cache, order, config, state.step):
        state.spent = before + time.monotonic() - since
        if state.spent - reviewed > 60 * config.export_minutes:
            reviewed = state.spent
            review(state, held, output)
        if state.spent >= 60 * config.minutes:
            break
        learn(state, batch, weights, config)
    review(state, held, output)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=LandmarkConfig().minutes)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    config = LandmarkConfig(minutes=args.minutes, seed=args.seed, threads=args.threads)
    train(args.data, args.output, config)


if __name__ == "__main__":
    main()
