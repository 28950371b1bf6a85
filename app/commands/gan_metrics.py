"""`gan metrics`: how far a network's pictures are from real ones."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import gan_options, network_options, options
from whichface.app.console import guarded_call
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from whichface.generator.data import Source
    from whichface.generator.evaluate import Distances
    from whichface.generator.features import OnnxFeatures
    from whichface.generator.sample import Chosen, Network


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """The command line, resolved."""

    data: Path
    network: Path | None
    fakes: Path | None
    features: Path | None
    feature_size: int
    count: int
    trunc: float
    seed: int
    chosen: int | None
    pairs: int
    as_json: bool


def _features(settings: MetricsSettings) -> tuple[OnnxFeatures, str]:
    """The feature network and the name that its figures carry."""
    from whichface.app.own_features import OWN, own_features
    from whichface.generator.features import OnnxFeatures

    if settings.features is None:
        return own_features(), OWN
    network = OnnxFeatures(settings.features, size=settings.feature_size)
    return network, settings.features.name


def _classes(settings: MetricsSettings, network: Network, source: Source, count: int) -> Chosen:
    """The class that was asked for, or classes as frequent as in the data. Raises DataError, BadParameter."""
    from whichface.generator.evaluate import classes_of
    from whichface.generator.sample import one_hot

    drawn = network.shape.classes and settings.chosen is None
    chosen = classes_of(source, count, settings.seed) if drawn else settings.chosen
    network_options.refused(lambda: one_hot(network, chosen, count), None if drawn else "--class")
    return chosen


def _fakes(settings: MetricsSettings, source: Source) -> NDArray[np.uint8]:
    """Pictures of the network, or of a folder. Raises DataError, NetworkFileError, BadParameter."""
    from whichface.generator.data import open_source
    from whichface.generator.evaluate import pictures_of
    from whichface.generator.sample import draw, open_network

    if settings.fakes is not None:
        return pictures_of(open_source(settings.fakes, source.resolution), settings.count, settings.seed)
    network = open_network(settings.network)
    seeds = range(settings.seed, settings.seed + settings.count)
    chosen = _classes(settings, network, source, settings.count)
    return draw(network, list(seeds), psi=settings.trunc, noise="random", chosen=chosen)


def run(settings: MetricsSettings) -> ExitCode:
    """Measure and print."""
    from whichface.app.extras import need_training
    from whichface.generator.data import open_source
    from whichface.generator.errors import DataError
    from whichface.generator.evaluate import compare, pictures_of

    need_training("gan metrics")
    source = open_source(settings.data)
    fakes = _fakes(settings, source)
    if fakes.shape[1] != source.resolution:
        raise DataError(f"The fakes are {fakes.shape[1]} pixels wide, the data {source.resolution}.")
    reals = pictures_of(source, settings.count, settings.seed)
    features, name = _features(settings)
    found = compare(reals, fakes, features)
    smooth = _path_length(settings, features, source)
    if settings.as_json:
        print(json.dumps({"features": name, **asdict(found), "path_length": smooth}))
    else:
        print(_text(found, name))
        if smooth is not None:
            print(f"perceptual path length in w ({name})  {smooth:.2f}")
    return ExitCode.DONE


def _path_length(settings: MetricsSettings, features: OnnxFeatures, source: Source) -> float | None:
    """Of the network, when pairs are asked for."""
    import numpy as np

    from whichface.generator.images import to_pixels
    from whichface.generator.metrics import perceptual_path_length
    from whichface.generator.sample import noise_maps, open_network, styles

    if not settings.pairs or settings.fakes is not None:
        return None
    network = open_network(settings.network)
    seeds = list(range(settings.seed, settings.seed + 2 * settings.pairs))
    chosen = _classes(settings, network, source, settings.pairs)
    if isinstance(chosen, list):
        chosen = np.repeat(chosen, 2).tolist()  # both ends of a way have one class
    w = styles(network, seeds, chosen=chosen)[:, 0].astype(np.float64)
    noise = noise_maps(network, "const", seeds[:1])

    def draw(points: NDArray[np.float64]) -> NDArray[np.uint8]:
        ws = np.repeat(points[:, None].astype(np.float32), network.shape.layers, 1)
        parts = [network.synthesis(ws[i : i + 8], noise) for i in range(0, len(ws), 8)]
        return to_pixels(np.concatenate(parts))

    return perceptual_path_length(draw, features, (w[::2], w[1::2]))


def _text(found: Distances, name: str) -> str:
    sliced = " ".join(f"{value:.1f}" for value in found.sliced)
    return "\n".join(
        [
            f"{found.fakes} fakes against {found.reals} reals; features: {name}",
            f"FD ({name})        {found.frechet:.3f}",
            f"KD ({name})        {found.kernel:.5f}",
            f"precision, recall  {found.precision:.3f}, {found.recall:.3f}",
            f"SWD x 1000, finest level first  {sliced}",
        ]
    )


def command(
    data: gan_options.Data,
    network: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A network; the shipped one by default.")
    ] = None,
    fakes: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Pictures to measure instead of a network's.")
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(metavar="ONNX", help="Feature network, such as Inception, that you have."),
    ] = None,
    feature_size: Annotated[
        int, typer.Option(metavar="PX", min=8, help="Side of the pictures that it takes.")
    ] = 299,
    count: Annotated[int, typer.Option(metavar="N", min=8, help="Pictures of either kind.")] = 1000,
    trunc: Annotated[float, typer.Option(metavar="PSI", help="Truncation; 1: none.")] = 1.0,
    seed: gan_options.Seed = 0,
    chosen: network_options.Class = None,
    pairs: Annotated[
        int, typer.Option("--ppl", metavar="N", min=0, help="Path length in w over N pairs; 0: off.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    debug: options.Debug = False,
) -> None:
    """Fréchet and kernel distance, precision and recall, sliced Wasserstein distance.

    Without --features they rest on the detector's own network, are called so, and are not to be
    compared with published FIDs.
    """
    settings = MetricsSettings(
        data, network, fakes, features, feature_size, count, trunc, seed, chosen, pairs, as_json
    )

    def work() -> ExitCode:
        if fakes is not None and chosen is not None:
            raise typer.BadParameter("chooses what a network draws, not pictures of --fakes.", param_hint="--class")
        return run(settings)

    guarded_call(work, debug)
