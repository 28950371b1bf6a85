"""Architectures whose features are maps, tokens or channels-last maps, all as maps."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")


@pytest.mark.parametrize(("name", "stride"), [("test_byobnet", 32), ("test_vit", 16), ("test_convnext", 32)])
def test_features_are_a_map(name: str, stride: int) -> None:
    from whichface.detectors.training.backbones import create_backbone

    backbone = create_backbone(name).eval()
    with torch.no_grad():
        for height, width in ((128, 128), (160, 256)):
            found = backbone.forward_features(torch.zeros(1, 6, height, width))
            assert found.shape[2:] == (height // stride, width // stride)


def test_tokens_keep_their_places() -> None:
    from whichface.detectors.training.backbones import MapBackbone

    class Tokens(torch.nn.Module):
        num_prefix_tokens = 1

        def forward_features(self, pixels: torch.Tensor) -> torch.Tensor:
            cells = torch.nn.functional.avg_pool2d(pixels[:, :1], 16).flatten(2).transpose(1, 2)
            return torch.cat([torch.full((1, 1, 1), -1.0), cells], 1)

    picture = torch.arange(6.0).reshape(1, 1, 2, 3)
    large = torch.nn.functional.interpolate(picture, scale_factor=16).expand(1, 6, 32, 48)
    assert torch.equal(MapBackbone(Tokens(), 16).forward_features(large), picture)


def test_an_unknown_architecture_is_told_with_similar_ones() -> None:
    from whichface.detectors.training.backbones import create_backbone
    from whichface.detectors.training.observer import InputError

    with pytest.raises(InputError, match="timm has no architecture “resnet_nosuch”; similar: "):
        create_backbone("resnet_nosuch")
