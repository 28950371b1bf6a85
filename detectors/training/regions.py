"""Train the parsing network that forensics runs as ONNX.

    python -m whichface.detectors.training.regions --data ../shared/data/parsing -o .work/regions

The folder keeps the cache of crops, a log, a state to resume from and the best network exported. A run
that is given again with more minutes goes on, its learning rate raised again to where the longer budget has it.
docs/training.md says how the network of forensics/weights came about.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whichface.forensics.records import Region
from whichface.forensics.regions import INPUT, outlines

from .regions_augment import AugmentConfig, Example, Pools, example, pools_of, take
from .regions_data import CACHE, WIDE, RegionCache, build_cache, count, load_cache, members, overlap
from .regions_export import export
from .regions_net import CLASSES, RegionNet
from .timed_run import TimedRun, rise_and_fall, save_whole

SOURCE_WEIGHTS = {
    "celebamask_1000": 0.68,
    "fasseg_frontal02": 0.03,
    "fasseg_multipose01": 0.09,
    "figaro1k": 0.12,
    "lfw_parts_hair_2000": 0.08,
}
"""Share of the training examples."""
RARE = {Region.GLASSES: 2.0, Region.HAT: 3.0, Region.EARRING: 1.6, Region.NECKLACE: 3.0}
"""How much more often a picture is drawn that has the part."""
CLASS_WEIGHTS = {
    Region.GLASSES: 1.2, Region.LEFT_EYE: 2.0, Region.RIGHT_EYE: 2.0, Region.LEFT_BROW: 1.7,
    Region.RIGHT_BROW: 1.7, Region.LEFT_EAR: 1.7, Region.RIGHT_EAR: 1.7, Region.MOUTH: 2.0,
    Region.UPPER_LIP: 1.7, Region.LOWER_LIP: 1.7, Region.HAT: 1.5, Region.EARRING: 2.5,
    Region.NECKLACE: 2.5, Region.NECK: 1.2, Region.CLOTH: 1.2,
}  # fmt: skip
"""Weight of a pixel in the loss where it is not 1: small parts count more, short of what they lack."""


@dataclass(frozen=True, slots=True)
class RegionsTraining:
    """How the network is trained."""

    minutes: float = 75.0
    """Wall-clock budget; the learning rate falls along it."""
    batch: int = 16
    sizes: tuple[tuple[float, int], ...] = ((0.42, 160), (0.55, 192), (1.0, 256))
    """Up to which share of the budget crops of which side in pixels are used."""
    rate: float = 2e-3
    """Largest learning rate of AdamW."""
    weight_decay: float = 0.02
    ema: float = 0.997
    """Decay of the averaged weights that are validated and exported."""
    review_minutes: float = 3.0
    """Minutes between validations, each of which exports when better."""
    seed: int = 0
    threads: int = 1
    augment: AugmentConfig = field(default_factory=AugmentConfig)


def log_members() -> Tensor:
    """(256, 19): 0 where a code may stand for a class, a large negative number elsewhere."""
    return torch.where(torch.from_numpy(members()), 0.0, -1e4)


def code_weights() -> Tensor:
    """(256,) weight of a pixel by its code: 0 where it is ignored."""
    weights = torch.from_numpy(members().any(1)).float()
    for part, weight in CLASS_WEIGHTS.items():
        weights[part] = weight
    return weights


def partial_loss(logits: Tensor, target: Tensor, table: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of -log of the summed probability of each code's classes.

    logits (B, 19, H, W); target (B, H, W) int64 codes; table (256, 19) and weights (256,) as above.
    """
    shares = torch.log_softmax(logits.permute(0, 2, 3, 1).reshape(-1, CLASSES), 1)
    codes = target.reshape(-1)
    exact = torch.where(codes < CLASSES, codes, -100)
    loss = nn.functional.nll_loss(shares, exact, weights[:CLASSES], reduction="sum")
    several = torch.nonzero((codes >= CLASSES) & (weights[codes] > 0))[:, 0]
    sums = torch.logsumexp(shares[several] + table[codes[several]], 1)
    loss = loss - (sums * weights[codes[several]]).sum()
    return loss / weights[codes].sum().clamp_min(1.0)


def chances(cache: RegionCache) -> NDArray[np.float64]:
    """(N,) probability of each picture in a draw."""
    found = np.array([np.bincount(mask.ravel(), minlength=256) > 40 for mask in cache.masks])
    each = np.ones(len(found))
    for part, factor in RARE.items():
        each = np.where(found[:, part], np.maximum(each, factor), each)
    for source, share in SOURCE_WEIGHTS.items():
        rows = cache.sources == source
        each[rows] *= share / max(each[rows].sum(), 1e-9)
    return each / each.sum()


def collate(examples: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Crops (B, 3, S, S) 0..255, outlines (B, 8, S/2, S/2), codes (B, S/2, S/2) int64."""
    crops = torch.from_numpy(np.stack([e.crop for e in examples])).permute(0, 3, 1, 2).float()
    prior = torch.from_numpy(np.stack([e.prior for e in examples]))
    return crops, prior, torch.from_numpy(np.stack([e.target for e in examples])).long()


def batch_of(
    cache: RegionCache,
    draw: tuple[NDArray[np.float64], Pools],
    size: int,
    rng: np.random.Generator,
    config: RegionsTraining,
) -> tuple[Tensor, Tensor, Tensor]:
    """One random batch; `draw` holds the chances and the rows that lend to others."""
    rows = rng.choice(len(draw[0]), config.batch, p=draw[0])
    return collate([example(cache, int(i), draw[1], size, rng, config.augment) for i in rows])


def plain_square(cache: RegionCache, index: int) -> Example:
    """The FFHQ square of a picture as `forensics.regions` sees it, unchanged."""
    scale = INPUT / (CACHE / WIDE)
    shift = (INPUT - 1) / 2 - scale * (CACHE - 1) / 2
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    crop, codes = take(cache, index, matrix, INPUT)
    points = cache.points[index] * scale + shift
    return Example(crop, outlines((points + 0.5) / 2 - 0.5), codes)


def held_out(cache: RegionCache) -> Iterator[Example]:
    """The validation pictures with a face."""
    for index in np.nonzero(np.isfinite(cache.points[:, 0, 0]))[0]:
        yield plain_square(cache, int(index))


@torch.no_grad()
def validate(net: nn.Module, held: list[Example]) -> dict[str, Any]:
    """Mean and per-class overlap on the validation pictures."""
    net.eval()
    table, counts = members(), np.zeros((CLASSES, 3), np.int64)
    for item in held:
        crop, prior, _ = collate([item])
        labels = net(crop, prior)[0].argmax(0).numpy().astype(np.uint8)
        counts += count(labels, item.target, table)
    each = overlap(counts)
    named = {part.name.lower(): round(float(each[part]), 3) for part in Region}
    return {"mean": round(float(np.nanmean(each)), 4), "each": named}


def rate_at(share: float, config: RegionsTraining) -> float:
    """Learning rate after `share` of the budget."""
    return rise_and_fall(share, config.rate, 0.02)


def begin(output: Path, config: RegionsTraining) -> TimedRun[RegionNet]:
    """A fresh run, or the one in `output`/last.pt; its best is the largest mean overlap."""
    last = output / "last.pt"
    return TimedRun.begin(
        RegionNet(), RegionNet(), last, rate=config.rate, weight_decay=config.weight_decay, best=-1.0
    )


def review(state: TimedRun[RegionNet], held: list[Example], output: Path) -> None:
    """Validate, export when better, and store the state."""
    figures = validate(state.mean, held)
    record = {"minutes": round(state.spent / 60, 2), "step": state.step, "loss": round(state.loss, 4)}
    line = json.dumps(record | figures)
    print(line, file=sys.stderr, flush=True)
    with (output / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(line + "\n")
    if figures["mean"] > state.best:
        state.best = figures["mean"]
        save_whole(state.mean.state_dict(), output / "best.pt")
        export(state.mean, output / "regions.onnx")
    state.save(output / "last.pt")


def learn(
    state: TimedRun[RegionNet], batch: tuple[Tensor, Tensor, Tensor], tables: tuple[Tensor, Tensor], rate: float
) -> None:
    """One step; the convolutions run in bfloat16, the weights stay in 32 bits."""
    state.net.train()
    crops, prior, target = batch
    with torch.autocast("cpu", torch.bfloat16):
        logits = state.net(crops.contiguous(memory_format=torch.channels_last), prior)
    state.descend(partial_loss(logits.float(), target, *tables), rate, clip=2.0)


def train(data: Path, output: Path, config: RegionsTraining) -> None:
    """Train until the budget is spent; resume from `output`/last.pt if it is there."""
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(config.threads)
    torch.manual_seed(config.seed)
    if not (output / "train-crops.npy").exists():
        build_cache(data, output)
    cache, held = load_cache(output, "train"), list(held_out(load_cache(output, "val")))
    draw, tables = (chances(cache), pools_of(cache)), (log_members(), code_weights())
    (output / "config.json").write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    state = begin(output, config)
    rng = np.random.default_rng((config.seed, state.step))
    before, reviewed, since = state.spent, state.spent, time.monotonic()
    while state.spent < 60 * config.minutes:
        share = state.spent / (60 * config.minutes)
        size = next(size for end, size in config.sizes if share <= end)
        learn(state, batch_of(cache, draw, size, rng, config), tables, rate_at(share, config))
        state.follow(config.ema)
        state.spent = before + time.monotonic() - since
        if state.spent - reviewed > 60 * config.review_minutes:
            review(state, held, output)
            reviewed = state.spent = before + time.monotonic() - since
    review(state, held, output)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=RegionsTraining().minutes)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    config = RegionsTraining(minutes=args.minutes, seed=args.seed, threads=args.threads)
    train(args.data, args.output, config)


if __name__ == "__main__":
    main()
