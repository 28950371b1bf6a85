"""The figures of the evaluation page, each from the plain values of evaluation.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .estimates import percent
from .figure import FAKE, INK, MUTED, REAL, THIRD, Drawing, canvas, drawing
from .plots_drift import drift
from .plots_grid import baselines, robustness

Values = Mapping[str, Any]


def all_drawings(content: Values) -> dict[str, Drawing]:
    """Every figure by name; one that has no values is left out."""
    return dict(_drawings(content))


def _drawings(content: Values) -> Iterator[tuple[str, Drawing]]:
    curves = content["curves"]
    if curves["roc"]:
        yield "roc", roc(curves["roc"], curves["roc_thumbnail"])
    yield "histogram", histogram(curves["histogram"])
    yield "reliability", reliability(curves["reliability"])
    yield "tippett", tippett(curves["tippett"])
    yield "cross_entropy", cross_entropy(curves["cross_entropy"])
    yield "risk_coverage", risk_coverage(curves["risk_coverage"])
    yield "drift", drift(curves["drift"])
    if any(line["auc"] for line in content["comparisons"]):
        yield "baselines", baselines(content["comparisons"])
    if len(content["grid"]) > 1:
        yield "robustness", robustness(content["grid"])


def roc(curve: Values, thumbnail: Values | None) -> Drawing:
    """Detection against false alarms, with the content floor."""
    with canvas() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=":")
        axes.plot(curve["false"], curve["true"], color=FAKE, label=f"this model, {curve['auc']:.3f}")
        text = f"Receiver operating characteristic; area {curve['auc']:.3f}."
        if thumbnail:
            axes.plot(
                thumbnail["false"], thumbnail["true"], color=REAL, ls="--", label=f"thumbnail, {thumbnail['auc']:.3f}"
            )
            text += f" A 16 by 16 thumbnail alone: {thumbnail['auc']:.3f}."
        axes.set(xlabel="photographs above the threshold", ylabel="fakes above the threshold")
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.legend(loc="lower right", title="area under the curve")
        caption = "Each point is a threshold. The dashed line is what composition and light alone give away."
        return drawing(figure, "roc", "Ranking (ROC)", text, caption)


def histogram(counts: Values) -> Drawing:
    """Log10 ratios of both classes."""
    with canvas() as (figure, axes):
        edges = counts["edges"]
        kinds = ((counts["reals"], REAL, None, "photographs"), (counts["fakes"], FAKE, "////", "fakes"))
        for values, colour, hatch, name in kinds:
            total = max(sum(values), 1)
            shares = [value / total for value in values]
            axes.stairs(shares, edges, color=colour, lw=1.8, label=f"{name} ({sum(values)})")
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.16, hatch=hatch)
        axes.axvline(0, color=MUTED, lw=1, ls=":")
        axes.set(xlabel="log10 likelihood ratio (right: generated)", ylabel="share of the class")
        axes.legend()
        alt = f"Histogram of ratios of {sum(counts['reals'])} photographs and {sum(counts['fakes'])} fakes."
        caption = "How far the two classes lie apart. Bars at the ends stand at the ceiling of the model."
        return drawing(figure, "histogram", "Likelihood ratios by class", alt, caption)


def reliability(bins: list[Values]) -> Drawing:
    """Stated against observed probability, with counts below."""
    with canvas(height=4.6, nrows=2, height_ratios=(3, 1.25), sharex=True) as (figure, (top, bottom)):
        used = [b for b in bins if b["weight"]]
        top.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=":")
        top.plot([b["stated"] for b in used], [b["observed"] for b in used], color=THIRD, marker="o", ms=5)
        top.set(ylabel="observed share of fakes", ylim=(-0.04, 1.04), xlim=(0, 1))
        middles = [(b["low"] + b["high"]) / 2 for b in bins]
        bottom.bar(middles, [b["reals"] for b in bins], 0.088, color=REAL, label="photographs")
        below = [b["reals"] for b in bins]
        bottom.bar(middles, [b["fakes"] for b in bins], 0.088, bottom=below, color=FAKE, label="fakes")
        tallest = max(b["reals"] + b["fakes"] for b in bins)
        for middle, b in zip(middles, bins, strict=True):
            if b["reals"] + b["fakes"]:
                height = b["reals"] + b["fakes"] + 0.04 * tallest
                bottom.text(middle, height, f"{b['reals']}+{b['fakes']}", ha="center", fontsize=7.5, color=INK)
        bottom.set(xlabel="stated probability at an even prior", ylabel="pictures", ylim=(0, 1.3 * tallest))
        alt = f"Reliability diagram with {len(used)} bins in use; dots on the diagonal are calibrated."
        caption = (
            "Dots on the diagonal mean what they say; both classes weigh alike. "
            "Below: photographs + fakes in each bin. A dot with few pictures says little."
        )
        return drawing(figure, "reliability", "Reliability", alt, caption)


def tippett(curves: Values) -> Drawing:
    """Share of each class at or above each ratio."""
    with canvas() as (figure, axes):
        axes.plot(curves["grid"], curves["fakes"], color=FAKE, label="fakes")
        axes.plot(curves["grid"], curves["reals"], color=REAL, ls="--", label="photographs")
        axes.axvline(0, color=MUTED, lw=1, ls=":")
        axes.set(xlabel="log10 likelihood ratio", ylabel="share at or above", ylim=(-0.02, 1.02))
        axes.legend()
        wrong = curves["misleading"]
        above, below = percent(wrong["reals"]), percent(wrong["fakes"])
        alt = f"Tippett plot; {above} of photographs lie above 0 and {below} of fakes below 0."
        caption = f"{alt.removeprefix('Tippett plot; ')} Those ratios point the wrong way."
        return drawing(figure, "tippett", "Tippett plot", alt, caption)


def cross_entropy(curves: Values) -> Drawing:
    """Cost over the prior."""
    with canvas() as (figure, axes):
        odds = curves["prior_log10_odds"]
        axes.plot(odds, curves["nothing"], color=MUTED, ls=":", label="ratio of 1 always")
        axes.plot(odds, curves["stated"], color=FAKE, label="as stated")
        axes.plot(odds, curves["best"], color=REAL, ls="--", label="best calibration")
        axes.set(xlabel="log10 prior odds of generated", ylabel="bits a picture")
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left", fontsize=9)
        alt = "Empirical cross-entropy over the prior: as stated, after the best calibration, and saying nothing."
        caption = (
            "Empirical cross-entropy: what is left to learn after reading the ratio, for every prior. "
            "The gap between the two lower curves is what better calibration would save; at 0 they are Cllr and "
            "its least."
        )
        return drawing(figure, "cross-entropy", "Empirical cross-entropy", alt, caption)


def risk_coverage(curve: Values) -> Drawing:
    """Error against the share of pictures answered."""
    with canvas() as (figure, axes):
        axes.plot(curve["coverage"], curve["risk"], color=THIRD, drawstyle="steps-post", label="answer the firmest")
        policy = curve["policy"]
        alt = f"Risk against coverage; mean risk {curve['area']:.3f}."
        if policy["risk"] is not None:
            where = f"as shipped: {percent(policy['coverage'])} answered, {percent(policy['risk'])} of them wrong"
            axes.plot(policy["coverage"], policy["risk"], color=FAKE, marker="D", ms=7, ls="", label=where)
            alt += f" {where[0].upper()}{where[1:]}."
        axes.set(xlabel="share of pictures answered", ylabel="share of answers wrong", xlim=(0, 1.01))
        axes.set_ylim(bottom=-0.01)
        axes.legend(fontsize=9)
        caption = "What abstaining buys: the fewer pictures are answered, the fewer answers should be wrong."
        return drawing(figure, "risk", "Risk and coverage", alt, caption)
