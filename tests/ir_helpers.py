"""Networks in OpenVINO's intermediate representation, written by hand."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

VERSIONS = {"ShapeOf": "opset3", "Broadcast": "opset3", "Gather": "opset7"}
KINDS = {"float32": "f32", "int32": "i32", "int64": "i64", "float16": "f16"}


class Net:
    """Layers, edges and numbers as they come."""

    def __init__(self) -> None:
        self.layers: list[str] = []
        self.edges: list[str] = []
        self.numbers = b""
        self.shapes: dict[tuple[int, int], tuple[int, ...]] = {}

    def op(self, kind, inputs=(), shapes=(), version=None, **data):
        """One layer; (id, port) of its first output."""
        key = len(self.layers)
        self.edges += [
            f'<edge from-layer="{i}" from-port="{p}" to-layer="{key}" to-port="{n}"/>'
            for n, (i, p) in enumerate(inputs)
        ]
        taken = "".join(f'<port id="{n}"/>' for n in range(len(inputs)))
        ports = range(len(inputs), len(inputs) + len(shapes))
        for port, shape in zip(ports, shapes, strict=True):
            self.shapes[key, port] = tuple(shape)
        given = "".join(
            f'<port id="{p}">{"".join(f"<dim>{d}</dim>" for d in s)}</port>' for p, s in zip(ports, shapes, strict=True)
        )
        text = " ".join(f"{name}={quoteattr(str(value))}" for name, value in data.items())
        version = version or VERSIONS.get(kind, "opset1")
        self.layers.append(
            f'<layer id="{key}" name="{kind}_{key}" type="{kind}" version="{version}"><data {text}/>'
            f"<input>{taken}</input><output>{given}</output></layer>"
        )
        return key, len(inputs)

    def const(self, numbers, kind=None):
        """A constant."""
        array = np.asarray(numbers)
        array = array.astype(kind or (np.float32 if array.dtype.kind == "f" else np.int64))
        at, self.numbers = len(self.numbers), self.numbers + array.tobytes()
        return self.op(
            "Const", (), [array.shape], element_type=KINDS[array.dtype.name], shape=", ".join(map(str, array.shape)),
            offset=at, size=array.nbytes,
        )  # fmt: skip

    def parameter(self, *shape):
        return self.op("Parameter", (), [shape], element_type="f32", shape=", ".join(map(str, shape)))

    def add(self, a, b, kind="Add"):
        shape = np.broadcast_shapes(self.shapes[a], self.shapes[b])
        return self.op(kind, (a, b), [shape], auto_broadcast="numpy")

    def linear(self, x, weight, bias):
        """x (1, in) by weight (out, in) and bias (out,)."""
        product = self.op(
            "MatMul", (x, self.const(weight)), [(1, len(weight))], transpose_a="false", transpose_b="true"
        )
        return self.add(product, self.const(bias[None]))

    def batch(self, x, *rest):
        """The vector (batch of x, rest)."""
        shape = self.op("ShapeOf", [x], [(len(self.shapes[x]),)], output_type="i64")
        axis = self.const(np.array(0))
        count = self.op("Gather", (shape, self.const(np.array(0), np.int32), axis), [()], batch_dims="0")
        count = self.op("Unsqueeze", (count, self.const([0])), [(1,)])
        return self.op("Concat", (count, *(self.const([r]) for r in rest)), [(1 + len(rest),)], axis="0")

    def reshape(self, x, target, shape):
        return self.op("Reshape", (x, target), [shape], special_zero="true")

    def xml(self, result=None, version=10):
        if result is not None:
            self.op("Result", [result])
        return (
            f'<?xml version="1.0"?><net name="n" version="{version}"><layers>{"".join(self.layers)}</layers>'
            f"<edges>{''.join(self.edges)}</edges></net>"
        ).encode()


def window(strides="1, 1", begin="0, 0", end="0, 0", dilations="1, 1", **more):
    """Attributes of a convolution."""
    return {
        "strides": strides, "pads_begin": begin, "pads_end": end, "dilations": dilations, "auto_pad": "explicit",
        **more,
    }  # fmt: skip


class TinyMobile:
    """A generator of 8 px in MobileStyleGAN's form, and what it draws by numpy: w of 3 numbers, z of 2."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)

        def draw(*shape):
            return rng.standard_normal(shape).astype(np.float32)

        self.mapping = draw(3, 2), draw(3)
        self.styles = [(draw(4, 3), draw(4)) for _ in range(3)]
        self.start = draw(1, 4, 4, 4)
        self.mix = [draw(4, 4, 1, 1), draw(4, 4, 1, 1)]
        self.noise = [draw(1, 1, 4, 4), draw(1, 1, 8, 8) * np.float32(0.2)]
        self.up = draw(4, 1, 1, 2, 2)
        self.colours = draw(3, 4, 1, 1) * np.float32(0.01)

    def nets(self):
        """The two networks; layers of styles stand from the last to the first, as in the published files."""
        m = Net()
        mapped = m.linear(m.parameter(1, 2), *self.mapping)
        s = Net()
        w = s.parameter(1, 3)
        styles = []
        for weight, bias in reversed(self.styles):
            styles.append(s.reshape(s.linear(w, weight, bias), s.batch(w, -1, 1, 1), (1, 4, 1, 1)))
        styles.reverse()
        x = s.op("Tile", (s.const(self.start), s.batch(w, 1, 1, 1)), [(1, 4, 4, 4)])
        for number, side in enumerate((4, 8)):
            x = s.add(styles[number], x, "Multiply")
            if side == 8:
                x = s.op(
                    "GroupConvolutionBackpropData", (x, s.const(self.up)), [(1, 4, 8, 8)], **window("2, 2")
                )
            x = s.op("Convolution", (x, s.const(self.mix[number])), [(1, 4, side, side)], **window())
            x = s.add(x, s.const(self.noise[number]))
            x = s.op("PReLU", (x, s.const([0.2])), [(1, 4, side, side)])
        x = s.add(x, styles[2], "Multiply")
        x = s.op("Convolution", (x, s.const(self.colours)), [(1, 3, 8, 8)], **window())
        return {"MappingNetwork": (m.xml(mapped), m.numbers), "SynthesisNetwork": (s.xml(x), s.numbers)}

    def files(self):
        """The four files by name."""
        return {
            f"{name}.{end}": data
            for name, (xml, numbers) in self.nets().items()
            for end, data in (("xml", xml), ("bin", numbers))
        }

    def wheel(self, path: Path) -> Path:
        """All four in a ZIP."""
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in self.files().items():
                archive.writestr(f"random_face/data/{name}", data)
        return path

    def w(self, z):
        """(N, 2) to (N, 3)."""
        return z @ self.mapping[0].T + self.mapping[1]

    def draw(self, ws, noise):
        """w (N, 3, 3) and the noise as it is added, to (N, 3, 8, 8)."""
        style = [(ws[:, i] @ weight.T + bias)[:, :, None, None] for i, (weight, bias) in enumerate(self.styles)]
        x = np.repeat(self.start, len(ws), 0)
        for number in range(2):
            x = x * style[number]
            if number:
                x = np.einsum("nchw,cij->nchiwj", x, self.up[:, 0, 0]).reshape(len(ws), 4, 8, 8)
            x = np.einsum("nchw,oc->nohw", x, self.mix[number][:, :, 0, 0]) + noise[number]
            x = np.where(x > 0, x, 0.2 * x)
        return np.einsum("nchw,oc->nohw", x * style[2], self.colours[:, :, 0, 0])
