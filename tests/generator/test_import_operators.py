"""OpenVINO's operations as ONNX ones, each against numpy or torch; and what is refused."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import torch
from ir_helpers import Net, window
from torch.nn import functional

from whichface.generator.errors import NetworkFileError
from whichface.generator.importers.convert import Interface, convert
from whichface.generator.importers.ir import read_graph

RNG = np.random.default_rng(0)


def draw(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def converted(net, result, given=None, version=10):
    """ONNX bytes of a network with one parameter."""
    graph = read_graph("net.xml", net.xml(result, version), net.numbers if given is None else given)
    parameter = graph.only("Parameter")
    shape = ["N", *parameter.outputs[0][1:]]
    return convert(graph, Interface({"x": shape}, {parameter.id: "x"}), half=False)


def run(net, result, x):
    session = ort.InferenceSession(converted(net, result), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize(
    ("kind", "function"), [("Add", np.add), ("Multiply", np.multiply), ("Power", np.power)]
)
def test_arithmetic(kind, function):
    net, x, other = Net(), np.abs(draw(2, 3, 1)), draw(3, 4)
    assert np.allclose(run(net, net.add(net.parameter(1, 3, 1), net.const(other), kind), x), function(x, other))


@pytest.mark.parametrize("a", [False, True])
@pytest.mark.parametrize("b", [False, True])
def test_matrices(a, b):
    net, x, weight = Net(), draw(3, 3), draw(3, 3)
    turned = {"transpose_a": str(a).lower(), "transpose_b": str(b).lower()}
    product = net.op("MatMul", (net.parameter(3, 3), net.const(weight)), [(3, 3)], **turned)
    assert np.allclose(run(net, product, x), (x.T if a else x) @ (weight.T if b else weight), atol=1e-5)


def test_mean():
    net, x = Net(), draw(2, 5)
    mean = net.op("ReduceMean", (net.parameter(1, 5), net.const([1])), [(1, 1)], keep_dims="true")
    assert np.allclose(run(net, mean, x), x.mean(1, keepdims=True), atol=1e-6)


def test_a_shape_that_follows_the_batch():
    net, x = Net(), draw(3, 6)
    given = net.parameter(1, 6)
    out = net.reshape(given, net.batch(given, 2, -1), (1, 2, 3))
    assert np.array_equal(run(net, out, x), x.reshape(3, 2, 3))


def test_zero_keeps_an_axis():
    net, x = Net(), draw(3, 2, 3)
    assert np.array_equal(run(net, net.reshape(net.parameter(1, 2, 3), net.const([0, -1]), (1, 6)), x), x.reshape(3, 6))


@pytest.mark.parametrize("mode", ["numpy", "bidirectional"])
def test_broadcast_and_tile(mode):
    net, x = Net(), draw(1, 1, 2)
    wide = net.op("Broadcast", (net.parameter(1, 1, 2), net.const([2, 3, 2])), [(2, 3, 2)], mode=mode)
    twice = net.op("Tile", (wide, net.const([1, 2, 1])), [(2, 6, 2)])
    assert np.array_equal(run(net, twice, x), np.tile(np.broadcast_to(x, (2, 3, 2)), (1, 2, 1)))


def test_split_and_squeeze():
    net, x = Net(), draw(2, 5, 3)
    parts = ((1, 1, 3), (1, 4, 3))
    first, port = net.op("VariadicSplit", (net.parameter(1, 5, 3), net.const([1]), net.const([1, -1])), parts)
    one = net.op("Squeeze", ((first, port), net.const([1])), [(1, 3)])
    rest = net.op("ReduceMean", ((first, port + 1), net.const([1])), [(1, 1, 3)], keep_dims="true")
    both = net.add(one, net.op("Squeeze", (rest, net.const([1])), [(1, 3)]))
    assert np.allclose(run(net, both, x), x[:, 0] + x[:, 1:].mean(1), atol=1e-6)


def test_one_slope():
    net, x = Net(), draw(2, 5)
    out = net.op("PReLU", (net.parameter(1, 5), net.const([0.2])), [(1, 5)])
    assert np.allclose(run(net, out, x), np.where(x > 0, x, np.float32(0.2) * x))


def test_convolutions():
    net, x = Net(), draw(2, 4, 9, 8)
    dense, grouped = draw(6, 4, 3, 2), draw(2, 3, 3, 3, 3)
    y = net.op(
        "Convolution", (net.parameter(1, 4, 9, 8), net.const(dense)), [(1, 6, 5, 8)],
        **window("2, 1", "1, 0", "2, 2", "1, 2"),
    )  # fmt: skip
    y = net.op("GroupConvolution", (y, net.const(grouped)), [(1, 6, 5, 8)], **window(begin="1, 1", end="1, 1"))
    expected = functional.conv2d(
        functional.pad(torch.from_numpy(x), (0, 2, 1, 2)), torch.from_numpy(dense), stride=(2, 1), dilation=(1, 2)
    )
    expected = functional.conv2d(expected, torch.from_numpy(grouped.reshape(6, 3, 3, 3)), padding=1, groups=2)
    assert np.allclose(run(net, y, x), expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("more", [{}, {"output_padding": "1, 0"}])
def test_transposed_convolution(more):
    net, x, kernel = Net(), draw(2, 4, 3, 5), draw(2, 2, 3, 3, 2)
    y = net.op(
        "GroupConvolutionBackpropData", (net.parameter(1, 4, 3, 5), net.const(kernel)), [(1, 6, 6, 9)],
        **window("2, 2", "1, 0", "1, 0", **more),
    )  # fmt: skip
    expected = functional.conv_transpose2d(
        torch.from_numpy(x), torch.from_numpy(kernel.reshape(4, 3, 3, 2)), stride=2, padding=(1, 0),
        output_padding=(1 if more else 0, 0), groups=2,
    )  # fmt: skip
    assert np.allclose(run(net, y, x), expected.numpy(), atol=1e-4)


def op(kind, shape=(1, 4), numbers=(0.5,), **data):
    """A network of one operation on x (1, 4) and a constant."""
    net = Net()
    return net, net.op(kind, (net.parameter(1, 4), net.const(np.array(numbers, np.float32))), [shape], **data)


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (op("Erf"), "Erf “Erf_2” is an operation that cannot be converted"),
        (op("Add", version="opset8", auto_broadcast="numpy"), "is of opset8"),
        (op("Add", auto_broadcast="pdpd"), "auto_broadcast = pdpd"),
        (op("Add", colour="blue"), "attribute colour"),
        (op("ShapeOf", output_type="i64"), "has 2 inputs; 1 are supported"),
        (op("PReLU", numbers=[0.1, 0.2, 0.3, 0.4]), "4 slopes"),
        (op("Convolution", **window() | {"auto_pad": "same_upper"}), "auto_pad = same_upper"),
        (op("Convolution", strides="1"), "cannot be converted: KeyError"),
        (op("MatMul", transpose_a="no", transpose_b="false"), "transpose_a = no"),
        (op("MatMul", transpose_a="false", transpose_b="false"), "two matrices"),
        (op("Tile"), "other axes"),
    ],
)
def test_what_is_not_known_is_refused(net, words):
    with pytest.raises(NetworkFileError, match=words):
        converted(*net)


def test_computed_kernels_are_refused():
    net = Net()
    x = net.parameter(1, 1, 1, 2, 2)
    y = net.op("GroupConvolution", (x, x), [(1, 1, 1, 1)], **window())
    with pytest.raises(NetworkFileError, match="a constant was expected"):
        converted(net, y)


def test_parts_that_do_not_fit_are_refused():
    net = Net()
    y = net.op("VariadicSplit", (net.parameter(1, 4), net.const([1]), net.const([3, 1])), [(1, 2), (1, 2)])
    with pytest.raises(NetworkFileError, match=r"parts of \[3, 1\]"):
        converted(net, y)


def test_numbers_beyond_the_file_are_refused():
    net, y = op("Add", auto_broadcast="numpy")
    with pytest.raises(NetworkFileError, match="ends beyond the file of numbers, which has 3 bytes"):
        converted(net, y, net.numbers[:3])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'version="10"', b'version="11"', "no network of IR version 10"),
        (b"<net ", b"<xnet ", "no XML"),
        (b"</net>", b"", "no XML"),
        (b'size="4"', b'size="8"', "not what its shape"),
        (b'offset="0"', b'offset="-4"', "beyond"),
        (b'offset="0"', b'offset="here"', "is damaged"),
        (b'shape="1"', b'shape="-1"', "not what its shape"),
        (b'element_type="f32" shape="1"', b'element_type="f16" shape="1"', "of the kind f16"),
        (b'from-layer="1"', b'from-layer="9"', "is damaged"),
        (b'from-layer="1" from-port="0"', b'from-layer="2" from-port="2"', "circle"),
        (b'from-layer="1" from-port="0"', b'from-layer="1" from-port="5"', "is damaged"),
        (b'<layer id="0"', b"<layer", "is damaged"),
        (b"<dim>4</dim>", b"<dim>four</dim>", "is damaged"),
    ],
)
def test_damaged_files_are_refused(old, new, words):
    net, y = op("Add", auto_broadcast="numpy")
    xml = net.xml(y)
    assert old in xml
    with pytest.raises(NetworkFileError, match=words):
        read_graph("net.xml", xml.replace(old, new), net.numbers)


def test_document_types_and_entities_are_refused():
    net, y = op("Add", auto_broadcast="numpy")
    laughs = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><net '
    external = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><net '
    for start in (laughs, external, b"<!DOCTYPE net><net "):
        with pytest.raises(NetworkFileError, match="document type"):
            read_graph("net.xml", net.xml(y).replace(b"<net ", start), net.numbers)
