"""What could be added to the linear experts, each addition refitted and measured against the same experts without it.

    python benchmarks/additions.py --data ../shared/data/faces --pack .work/pack.npz --features .work/features.npy \
        --work .work/additions -o benchmarks/additions.md

`--work` keeps the features that are measured here (of large pictures and pseudo-fakes). `--scores FOLDER` with the
scores.npz of docs/training.md adds what the whole stack, networks and all, would gain by the native expert and lose
without the small textures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from gains import COLUMNS, WILD_COLUMNS, content_scores, frame, gain_lines, thumbnails, wild_line
from least_squares import Model, Scale, fit, load, moments, out_of_fold, save, scores
from native import CHANGES, SEEN_ANEW, SIDE, other_measures, table
from native_expert import CANONICAL, STORED, Large, report
from numpy.typing import NDArray
from PIL import Image
from pseudo import SCALE as PSEUDO_SCALE
from pseudo import Pseudo, made, originals, sharpness_alone
from tables import auc_text, head, publish

from whichface.detectors.canonical import SCALES, CanonicalFace
from whichface.detectors.dataset import (
    MATCHED_AND_POOLED,
    MATCHED_SETS,
    Sample,
    group_folds,
    in_scope,
    read_corpus,
    strata_of,
)
from whichface.detectors.features import blocks_of
from whichface.detectors.metrics import auc
from whichface.detectors.training.build_model import experts_of, part_of
from whichface.detectors.training.folds import FOLDS, source_weights, training_folds
from whichface.detectors.training.fusion import FusionConfig, cross_fitted
from whichface.detectors.training.pack import Pack
from whichface.detectors.training.score import VARIANTS, Material
from whichface.detectors.training.scores import ScoreTable
from whichface.detectors.training.scores import table as score_table
from whichface.forensics.geometry import crop_frame

INTRODUCTION = """\
Does an addition earn its place? "Before" are linear experts at 160, 256 and 512 px (weighted least squares on ±1,
ridge 0.3 by hand, as in left_out.md) on the pictures as stored and two random re-encodings each; "after" are the
same experts with one thing changed. "Stacked" is the cross-fitted stack of the scales that a face has. All scores
are out of fold on training pictures: matched sets are divided by group, all other sources leave as a whole. The
networks have no say, so that the whole stack may gain less. Intervals are 95 %, bootstrap by group, gains paired.
"Where composition is alike": pairs of a fake and a real that a 16x16 thumbnail scores alike, the mean of the matched
sets.

- **A, native resolution.** Faces of 800 px and more (the 1024 px sets). The picture goes through JPEG 75 once,
  nothing is resized, and the features of two 512 px windows (centre of the face square, its top left corner) are
  averaged. Linear half as shipped. "Learned as stored" saw no other change of the pictures, "pooled" saw all that
  are listed; families are one model a generator, its fakes against all photographs. The stack learned from all
  listed changes together. The spectrum cue, which ships, looks at the same pixels: what is left beside it is apart
  (half of these pictures were there when it was designed). Of 768 px, the canonical scores are those as stored, which
  the change hardly touches. Only a threshold of 512 px leaves wild photographs to look at: no model learned from such
  faces of 512 to 800 px.
- **B, pseudo-fakes** (after AutoGAN, arXiv 1907.06515): photographs halved and brought back by a random upsampler
  at 256 px, with noise and with every band's magnitude given back. By themselves against their originals, and
  beside the true fakes at a quarter of their weight. 1,000 photographs, one pseudo-fake each.
- **C, overlap weights** (Li, Morgan & Zaslavsky 2018): a picture weighs 1 - P(its own class | thumbnail of the
  face).
- **D, no chroma**: without the residuals, spectra and bands of chroma; **no colour**: also without the joint
  residuals of red, green and blue.
- **E**: the whole stack without the textures of smaller scales than the face's (as `face-3` ships); only where
  `--scores` is given.

"Wild" are photographs of sources that no expert of the fold saw; "1 % of the matched photographs" is a threshold
set after the fact, the same way before and after."""
ARGUMENTS = (
    "--data ../shared/data/faces --pack .work/pack.npz --features .work/features.npy --work .work/additions "
    "-o benchmarks/additions.md"
)
Array = NDArray[np.float64]
Models = Sequence[Mapping[str, Model]]
"""One mapping a fold."""
PSEUDO_SHARE = 0.25
"""What pseudo-fakes weigh beside the fakes."""
LARGE = 800.0
"""Side of the face square, in pixels, from which a picture counts as large."""
LARGE_WILD = 512.0
"""The same for wild photographs, of which hardly any is larger."""
CHANGES_OF_SCALES = ("overlap weights", "no chroma", "no colour", "pseudo-fakes")


def colourless() -> dict[str, NDArray[np.int64]]:
    """Columns that each variation of addition D keeps."""
    blank = CanonicalFace(np.zeros((160, 160, 3), np.uint8), np.ones((160, 160), bool), 160)
    luma, cross, start = [], [], 0
    for name, values in blocks_of(blank):
        columns = range(start, start + len(values))
        start += len(values)
        if name.startswith("luma") or name == "radial-luma":
            luma += columns
        elif name == "bands":
            luma += columns[: len(columns) // 2]  # four maps of luma, then two of each chroma channel
        elif name == "cross-band":
            cross += columns
    return {"no chroma": np.array(sorted(luma + cross)), "no colour": np.array(luma)}


def overlap(samples: Sequence[Sample], colours: Array, used: NDArray[np.bool_]) -> tuple[Array, float]:
    """(pictures,) 1 - P(own class | thumbnail), cross-fitted within the pictures `used`, and the AUC of P(fake).

    Overlap weights (Li, Morgan & Zaslavsky 2018, doi 10.1080/01621459.2016.1260466); 1 for other pictures.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    index = np.flatnonzero(used & np.isfinite(colours[:, 0]))
    chosen = [samples[i] for i in index]
    fake, weights = np.array([s.fake for s in chosen]), source_weights(samples, used)[index] * used.sum()
    parts = group_folds([s.group for s in chosen], strata_of(chosen, 4), 4)
    values, share = StandardScaler().fit_transform(colours[index]), np.zeros(len(index))
    for part in range(4):
        held = parts == part
        model = LogisticRegression(C=0.01, max_iter=300).fit(values[~held], fake[~held], weights[~held])
        share[held] = model.predict_proba(values[held])[:, 1]
    out = np.ones(len(samples))
    out[index] = np.where(fake, 1 - share, share)
    return out, auc(fake, share)


def fitted(
    scale: Scale, table: NDArray[np.float16], alike: Sequence[Array], pseudo: Pseudo
) -> list[dict[str, Model]]:
    """Every variation of a scale's expert, without each fold; `alike` are the overlap weights of each fold."""
    material, columns, found = scale.material, colourless(), []
    for fold in range(FOLDS):
        weights = scale.weights(fold)
        reals, fakes = scale.of_class(table, weights, False), scale.of_class(table, weights, True)
        models = {"base": fit(reals, fakes)} | {name: fit(reals, fakes, kept) for name, kept in columns.items()}
        used = (material.folds >= 0) & (material.folds != fold)
        if scale.scale == PSEUDO_SCALE:
            source = source_weights(material.samples, used)[pseudo.sample]
            imitated = moments(scale.standardised(pseudo.table), source)
            place = np.searchsorted(scale.rows, originals(material, pseudo.sample.tolist()))
            models["pseudo-fakes"] = fit(reals, fakes.joined(imitated, PSEUDO_SHARE))
            models["pseudo-fakes alone"] = fit(moments(table[place], source), imitated)
        del reals, fakes
        weights = weights * alike[fold][scale.sample]
        models["overlap weights"] = fit(scale.of_class(table, weights, False), scale.of_class(table, weights, True))
        found.append(models)
        print(f"{scale.scale} px without fold {fold + 1}", flush=True)
    return found


def fused(material: Material, scales: Mapping[int, Scale], values: Mapping[int, Array]) -> pd.DataFrame:
    """sample, variant and cross-fitted log10 ratio of the scales that apply, for every row that a fold left out."""
    named = {f"linear-{s}": (scales[s].rows, values[s]) for s in SCALES}
    found = score_table(material.pack, named, VARIANTS)
    llr = np.full(len(found.sample), np.nan)
    for scale in SCALES:
        experts = tuple(f"linear-{s}" for s in SCALES if s <= scale)
        part = part_of(found, material.samples, experts, material.folds)
        rows = np.isfinite(found.columns(experts)).all(1) & (material.folds[found.sample] >= 0)
        llr[rows] = cross_fitted(part.values, part.fake, part.weights, part.folds, FusionConfig().ridge)
    table_ = pd.DataFrame({"sample": found.sample, "variant": found.variant, "score": llr})
    return table_.dropna().reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class Experts:
    """The canonical scales, their models and out-of-fold scores."""

    scales: Mapping[int, Scale]
    models: Mapping[int, Models]
    values: Mapping[int, Mapping[str, Array]]

    def changed(self, name: str) -> dict[int, Array]:
        """(rows,) of each scale under a change, or as before where the scale does not have it."""
        return {s: self.values[s].get(name, self.values[s]["base"]) for s in SCALES}


def pairs_of(experts: Experts, material: Material, content: Array, name: str) -> dict[str, pd.DataFrame]:
    """Rows with the score before and after a change, for every score that it touches."""
    found = {}
    for size, scale in experts.scales.items():
        if name in experts.values[size]:
            kept = scale.fold >= 0
            columns = {"variant": scale.variant, "before": experts.values[size]["base"],
                       "after": experts.values[size][name]}  # fmt: skip
            rows = {key: column[kept] for key, column in columns.items()}
            found[f"{size} px"] = frame(material.samples, scale.sample[kept], content, **rows)
    before = fused(material, experts.scales, experts.changed("base"))
    after = fused(material, experts.scales, experts.changed(name))["score"].to_numpy()
    columns = {"variant": before["variant"].to_numpy(), "before": before["score"].to_numpy(), "after": after}
    return found | {"stacked": frame(material.samples, before["sample"].to_numpy(), content, **columns)}


def change_lines(experts: Experts, material: Material, content: Array) -> list[str]:
    """The two tables of the changes of the canonical experts."""
    gains, wild = head(*COLUMNS), head(*WILD_COLUMNS)
    for name in CHANGES_OF_SCALES:
        for score, rows in pairs_of(experts, material, content, name).items():
            stored = rows["variant"] == 0
            sets = tuple(MATCHED_AND_POOLED) if score == "stacked" else ("pooled",)
            gains += gain_lines((name, score, STORED), rows[stored], sets)
            wild.append(wild_line((name, score, STORED), rows[stored]))
            if score == "stacked":
                gains += gain_lines((name, score, "re-encoded"), rows[~stored], ("pooled",))
                wild.append(wild_line((name, score, "re-encoded"), rows[~stored]))
    return ["### Matched sets", "", *gains, "", "### Wild photographs", "", *wild]


def pseudo_lines(experts: Experts, material: Material, content: Array, pseudo: Pseudo) -> list[str]:
    """What an expert on photographs and pseudo-fakes alone says of pseudo-fakes, and of true ones."""
    fake, sharp, groups = sharpness_alone(material, pseudo)
    scale, models = experts.scales[PSEUDO_SCALE], experts.models[PSEUDO_SCALE]
    each = scores(scale.standardised(pseudo.table), [m["pseudo-fakes alone"] for m in models])
    own = each[np.arange(len(each)), material.folds[pseudo.sample]]
    place = np.searchsorted(scale.rows, originals(material, pseudo.sample.tolist()))
    theirs = experts.values[PSEUDO_SCALE]["pseudo-fakes alone"][place]
    lines = head("what", "reals, fakes", "AUC")
    lines.append(f"| pseudo-fakes, sharpness alone | {len(own)}, {len(own)} | {auc_text(fake, sharp, groups)} |")
    for name in sorted(set(pseudo.upsampler)):
        kept = pseudo.upsampler == name
        both = np.concatenate([theirs[kept], own[kept]])
        chosen = [g for g, use in zip(groups, kept, strict=False) if use]
        text = auc_text(np.repeat([False, True], kept.sum()), both, chosen + chosen)
        lines.append(f"| pseudo-fakes by {name} | {kept.sum()}, {kept.sum()} | {text} |")
    kept = (scale.fold >= 0) & (scale.variant == 0)
    values = experts.values[PSEUDO_SCALE]["pseudo-fakes alone"][kept]
    rows = frame(material.samples, scale.sample[kept], content, score=values)
    for name, sets in MATCHED_AND_POOLED.items():
        part = rows[rows["set"].isin(sets)]
        labels = part["fake"].to_numpy(bool)
        text = auc_text(labels, part["score"].to_numpy(float), part["group"].tolist())
        lines.append(f"| true fakes, {name} | {(~labels).sum()}, {labels.sum()} | {text} |")
    return lines


def has_window(samples: Sequence[Sample], asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(pictures,) True where a picture that is asked about is as large as a window of native.py."""
    found = np.zeros(len(samples), bool)
    for i in np.flatnonzero(asked):
        with Image.open(samples[i].path) as picture:
            found[i] = min(picture.size) >= SIDE
    return found


def shipped_scores(found: ScoreTable, numbers: NDArray[np.int64]) -> Array:
    """(pictures, experts) of everything that speaks of a large face, as stored."""
    rows = {int(i): row for row, (i, v) in enumerate(zip(found.sample, found.variant, strict=True)) if v == 0}
    return found.columns(experts_of(SCALES[-1]))[[rows[int(i)] for i in numbers]]


def large_pictures(
    experts: Experts, material: Material, content: Array, work: Path, found: ScoreTable | None
) -> Large:
    """Large pictures of the matched sets under every change, their validation pictures and wild ones as stored."""
    samples = material.samples
    sides = np.array([0.0 if s.landmarks is None else crop_frame(s.landmarks).side for s in samples])
    matched, seen = np.array([s.set in MATCHED_SETS for s in samples]), material.folds >= 0
    wild = np.array([s.set.startswith("wild-") for s in samples])
    parts = {"train": matched & seen & (sides >= LARGE), "val": matched & ~seen & (sides >= LARGE),
             "wild": wild & (sides >= LARGE_WILD) & has_window(samples, wild)}  # fmt: skip
    frames, tables = [], []
    for change in CHANGES:
        for part, chosen in parts.items():
            if change != STORED and part != "train":
                continue
            numbers = np.flatnonzero(chosen)
            cache = work / f"{part}-{change.replace(' ', '-')}.npy"
            raw = table(samples, numbers.tolist(), change, change in SEEN_ANEW, cache)
            columns = canonical_scores(experts, material, numbers, raw[:, 1:])
            fold = material.folds[numbers] if part == "train" else np.full(len(numbers), -1)
            frames.append(frame(samples, numbers, content, **columns, fold=fold).assign(change=change, part=part))
            tables.append(raw[:, 0])
    own = np.flatnonzero(parts["train"])
    others = other_measures(samples, own.tolist(), work / "others.npy")
    shipped = None if found is None else shipped_scores(found, own)
    return Large(pd.concat(frames, ignore_index=True), np.concatenate(tables), others, shipped)


def canonical_scores(
    experts: Experts, material: Material, numbers: NDArray[np.int64], raw: NDArray[np.float32]
) -> dict[str, Array]:
    """(pictures,) of each scale, of `raw` (pictures, scales, features), or of the pack's variant 0 if it is empty."""
    found = {}
    for place, (name, size) in enumerate(zip(CANONICAL, SCALES, strict=True)):
        scale, folds = experts.scales[size], material.folds[numbers]
        if raw.shape[1]:
            each = scores(scale.standardised(raw[:, place]), [m["base"] for m in experts.models[size]])
            found[name] = np.where(folds < 0, each.mean(1), each[np.arange(len(folds)), folds])
        else:
            stored = dict(zip(scale.sample[scale.variant == 0].tolist(),
                              experts.values[size]["base"][scale.variant == 0], strict=True))  # fmt: skip
            found[name] = np.array([stored[int(i)] for i in numbers])
    return found


def stack_lines(found: ScoreTable, material: Material, content: Array) -> list[str]:
    """What the stack of all experts loses without the textures of smaller scales, by largest scale."""
    lines, ridge = head(*COLUMNS), FusionConfig().ridge
    for scale in SCALES[1:]:
        shipped = experts_of(scale)
        names = (*(f"texture-{s}" for s in SCALES if s < scale), *shipped)
        part = part_of(found, material.samples, names, material.folds)
        kept = [names.index(name) for name in shipped]
        both = [cross_fitted(part.values[:, use], part.fake, part.weights, part.folds, ridge)
                for use in (list(range(len(names))), kept)]  # fmt: skip
        rows = frame(material.samples, part.sample, content, variant=part.variant, before=both[0], after=both[1])
        for title, chosen in ((STORED, rows["variant"] == 0), ("re-encoded", rows["variant"] > 0)):
            lines += gain_lines(("no smaller textures", f"stack to {scale} px", title), rows[chosen])
    return lines


def measured(
    material: Material, features: NDArray[np.float16], colours: Array, pseudo: Pseudo, work: Path
) -> Experts:
    """All refits and their out-of-fold scores, kept in files of the folder `work`."""
    scales = {size: Scale(size, material) for size in SCALES}
    alike: list[Array] = []
    models, values = {}, {}
    for size, scale in scales.items():
        cache = work / f"experts-{size}.npz"
        if not cache.exists():
            every = [(material.folds >= 0) & (material.folds != fold) for fold in range(FOLDS)]
            alike = alike or [overlap(material.samples, colours, used)[0] for used in every]
            standardised = scale.read(features)
            fits = fitted(scale, standardised, alike, pseudo)
            save(cache, scale, fits, out_of_fold(scale, standardised, fits))
        models[size], values[size] = load(cache, scale)
    return Experts(scales, models, values)


def page(material: Material, features: NDArray[np.float16], work: Path, found: ScoreTable | None) -> list[str]:
    """All sections."""
    colours, pseudo = thumbnails(material), made(material, work / "pseudo.npz")
    content = content_scores(material.samples, material.folds, colours)
    used = material.folds >= 0
    alike, separable = overlap(material.samples, colours, used)
    experts = measured(material, features, colours, pseudo, work)
    large = large_pictures(experts, material, content, work, found)
    text = ["## A. Native resolution", "", *report(large, material.samples, COLUMNS)]
    text += ["", "## B. Pseudo-fakes alone", "", *pseudo_lines(experts, material, content, pseudo)]
    text += ["", "## B, C, D. Changes of the canonical experts", ""]
    text += [f"Thumbnails tell the classes of all training pictures apart with an AUC of {separable:.3f} (logistic); "
             f"the mean overlap weight is {alike[used].mean():.2f}.", ""]  # fmt: skip
    text += change_lines(experts, material, content)
    if found is not None:
        text += ["", "## E. The whole stack without the small textures", "", *stack_lines(found, material, content)]
    return text


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for the features that are measured here")
    parser.add_argument("--scores", type=Path, help="folder of scores.npz (docs/training.md)")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    samples = in_scope(read_corpus(args.data))
    material = Material(samples, Pack(args.pack), training_folds(samples))
    found = ScoreTable.load(args.scores / "scores.npz") if args.scores else None
    arguments = ARGUMENTS + (" --scores .work/scored" if args.scores else "")
    command = f"Command: `python benchmarks/additions.py {arguments}`, {date.today()}."
    text = ["# Additions to the linear experts", "", command, "", INTRODUCTION, ""]
    text += page(material, np.load(args.features, mmap_mode="r"), args.work, found)
    publish("\n".join(text) + "\n", args.output)


if __name__ == "__main__":
    main()
