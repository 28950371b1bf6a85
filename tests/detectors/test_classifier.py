"""A model folder made here: its digests, and which experts speak of which face."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from whichface.detectors.canonical import canonical_face
from whichface.detectors.classifier import Model, load_model, saliency
from whichface.detectors.features import features
from whichface.forensics.errors import WeightsError
from whichface.forensics.geometry import CropFrame

onnx = pytest.importorskip("onnx")
EXPERTS = {
    "96": ["network-96"],
    "160": ["texture-160", "network-160"],
    "256": ["texture-256", "network-160", "network-256"],
}
"""The texture at 160 px has no say about a face that has 256."""
FITTED = {"bias": 0.0, "weights": [0.5, 0.5], "replicates": [], "ceiling": 1.0, "floor": -1.0}
FITTED |= {"threshold": 0.5, "threshold_real": -0.5, "false_alarm": 0.01}
CALIBRATION = {"strata": {scale: FITTED | {"experts": names} for scale, names in EXPERTS.items()}, "experts": {}}
FILES = ("calibration.json", "texture-160.onnx", "texture-256.onnx", "network.onnx")


def _value(name: str, *shape: int | str):
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))


def _write(path: Path, nodes: list, inputs: list, outputs: list) -> None:
    graph = onnx.helper.make_graph(nodes, "tiny", inputs, outputs)
    opset = [onnx.helper.make_opsetid("", 17)]
    proto = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString())


def _texture(path: Path) -> None:
    """The mean of the features."""
    node = onnx.helper.make_node("ReduceMean", ["features"], ["logit"], axes=[1], keepdims=1)
    _write(path, [node], [_value("features", "n", "f")], [_value("logit", "n", 1)])


def _network(path: Path) -> None:
    """A fold a colour: its mean; the map is the mean of the colours."""
    nodes = [
        onnx.helper.make_node("ReduceMean", ["pixels"], ["logits"], axes=[2, 3], keepdims=0),
        onnx.helper.make_node("ReduceMean", ["pixels"], ["map"], axes=[1], keepdims=0),
    ]
    outputs = [_value("logits", "n", 3), _value("map", "n", "h", "w")]
    _write(path, nodes, [_value("pixels", "n", 3, "h", "w")], outputs)


def _card(folder: Path, **changes: object) -> None:
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    card = {"model": "tiny-1", "files": digests} | changes
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for scale in (160, 256):
        _texture(tmp_path / f"texture-{scale}.onnx")
    _network(tmp_path / "network.onnx")
    (tmp_path / "calibration.json").write_text(json.dumps(CALIBRATION), encoding="utf-8")
    _card(tmp_path)
    return tmp_path


@pytest.fixture
def pixels() -> np.ndarray:
    ramp = np.linspace(0, 40, 360)
    picture = np.full((360, 360, 3), [60.0, 120.0, 180.0]) + ramp[:, None, None]
    return picture.astype(np.uint8)


def _frame(side: float) -> CropFrame:
    return CropFrame(np.array([179.5, 179.5]), np.array([side / 2, 0.0]))


def test_a_folder_is_read(folder: Path) -> None:
    model = Model(folder)
    assert model.model_id == "tiny-1" and model.scales == (96, 160, 256)
    assert set(model.sessions) == {"texture-160", "texture-256", "network-160", "network-256"}
    assert model.calibration == CALIBRATION
    assert set(model.files) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_altered_file_is_refused(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(WeightsError, match=f"{name} has SHA-256"):
        Model(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=f"{name} cannot be read"):
        Model(folder)


def test_a_file_that_is_no_network_is_refused(folder: Path) -> None:
    (folder / "network.onnx").write_bytes(b"no network")
    _card(folder)
    with pytest.raises(WeightsError, match="cannot be opened"):
        Model(folder)


def test_another_format_is_refused(folder: Path) -> None:
    _card(folder, format=2)
    with pytest.raises(WeightsError, match="has format 2, but this version of whichface reads 1"):
        Model(folder)


@pytest.mark.parametrize("text", ["[]", "{}", '{"strata": {}}', '{"strata": {"160": {"experts": []}}}', "no json"])
def test_a_calibration_that_lacks_parts_is_refused(folder: Path, text: str) -> None:
    (folder / "calibration.json").write_text(text)
    _card(folder)
    with pytest.raises(WeightsError, match="cannot be used: parts of it are missing"):
        Model(folder)


def test_a_calibration_may_count_textures_of_smaller_scales(folder: Path, pixels: np.ndarray) -> None:
    """As those of `whichface train` once did, and those without a network still do."""
    names = ["texture-160", "texture-256", "network-160", "network-256"]
    strata = CALIBRATION["strata"] | {"256": FITTED | {"experts": names}}
    (folder / "calibration.json").write_text(json.dumps({"strata": strata}))
    _card(folder)
    opinion = Model(folder).opinion(pixels, _frame(340.0))
    assert opinion is not None and [score.expert for score in opinion.scores] == names


def test_an_expert_that_the_stack_needs_must_be_there(folder: Path) -> None:
    _card(folder, files={n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in FILES[:3]})
    with pytest.raises(WeightsError, match="lacks the experts network-160, network-256"):
        Model(folder)


def test_a_model_may_have_one_kind_of_expert(folder: Path, pixels: np.ndarray) -> None:
    strata = {"160": FITTED | {"experts": ["texture-160"], "weights": [1.0]}}
    (folder / "calibration.json").write_text(json.dumps({"strata": strata}))
    files = ("calibration.json", "texture-160.onnx")
    _card(folder, files={n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in files})
    opinion = Model(folder).opinion(pixels, _frame(340.0))
    assert opinion is not None and opinion.scale == 160
    assert [score.expert for score in opinion.scores] == ["texture-160"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": "a"}', '{"files": {}}'])
def test_a_poor_card_is_refused(folder: Path, text: str) -> None:
    (folder / "card.json").write_text(text)
    with pytest.raises(WeightsError, match=r"card\.json"):
        load_model(str(folder))


@pytest.mark.parametrize("name", ["no-such-model", "../../tests"])
def test_an_unknown_model_is_refused(name: str) -> None:
    with pytest.raises(WeightsError, match="no model"):
        load_model(name)


def test_a_folder_is_loaded_by_its_path(folder: Path) -> None:
    assert load_model(str(folder)).directory == folder


@pytest.mark.parametrize(
    ("side", "largest", "scale"),
    [
        (340.0, 10_000, 256),
        (230.0, 10_000, 256),
        (228.0, 10_000, 160),
        (340.0, 160, 160),
        (143.0, 10_000, 160),
        (142.0, 10_000, 96),
        (86.0, 10_000, 96),
        (340.0, 100, 96),
    ],
)
def test_the_face_side_picks_the_experts(
    folder: Path, pixels: np.ndarray, side: float, largest: int, scale: int
) -> None:
    opinion = Model(folder).opinion(pixels, _frame(side), largest)
    assert opinion is not None and opinion.scale == scale
    assert [score.expert for score in opinion.scores] == EXPERTS[str(scale)]


@pytest.mark.parametrize(("side", "largest"), [(85.0, 10_000), (340.0, 90)])
def test_no_scale_no_opinion(folder: Path, pixels: np.ndarray, side: float, largest: int) -> None:
    assert Model(folder).opinion(pixels, _frame(side), largest) is None


def test_experts_see_the_canonical_face(folder: Path, pixels: np.ndarray) -> None:
    opinion = Model(folder).opinion(pixels, _frame(200.0))
    face = canonical_face(pixels, _frame(200.0), 160)
    texture, network = opinion.scores
    assert texture.logit == pytest.approx(features(face).mean(), rel=1e-4)
    assert texture.saliency is None
    assert network.logit == pytest.approx(face.pixels.mean(), rel=1e-4)
    assert network.saliency.shape == (160, 160) and network.saliency.dtype == np.float32


def test_saliency_is_between_nought_and_one() -> None:
    found = saliency(np.array([[-1e6, 0.0], [2.0, 1e6]], np.float32))
    assert found.dtype == np.float32
    assert found[0, 1] == 0.5 and found[1, 0] == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert found.min() >= 0 and found.max() <= 1
