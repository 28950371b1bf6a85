"""Snapshots: the averaged generator for use, and the whole state for going on; nothing that unpickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import tensors
from .errors import NetworkFileError
from .networks import Generator, NetworkConfig
from .stepper import Progress, Stepper

STATE = "training-state"
NETWORK = "network-snapshot"


def network_name(images: int) -> str:
    """As network-snapshot-000200.safetensors after 200 kimg."""
    return f"{NETWORK}-{images // 1000:06d}.safetensors"


def state_name(images: int) -> str:
    """As training-state-000200.safetensors."""
    return f"{STATE}-{images // 1000:06d}.safetensors"


def save_network(path: Path, generator: Generator, about: Mapping[str, Any]) -> None:
    """The generator with its configuration. Raises OSError."""
    description = {"kind": "generator", "config": generator.config.to_dict(), **about}
    tensors.write(path, generator.state_dict(), description)


def load_network(path: Path) -> tuple[Generator, dict[str, Any]]:
    """A generator, ready for use, and what its file says. Raises NetworkFileError."""
    stored, about = tensors.read(path)
    if about.get("kind") != "generator":
        raise NetworkFileError(f"{path.name} holds no generator of whichface.")
    try:
        generator = Generator(NetworkConfig(**about["config"]))
    except (KeyError, TypeError, ValueError) as error:
        raise NetworkFileError(f"{path.name} describes no network that can be built: {error}.") from error
    fill(generator, {k: v.float() for k, v in stored.items()}, path.name)
    return generator.eval().requires_grad_(False), about


def fill(network: nn.Module, stored: Mapping[str, Tensor], name: str) -> None:
    """Copy tensors into a network, name by name. Raises NetworkFileError unless all fit."""
    own = network.state_dict()
    if set(own) != set(stored):
        odd = sorted(set(own) ^ set(stored))[0]
        raise NetworkFileError(f"{name} and the network differ at {odd}.")
    with torch.no_grad():
        for key, tensor in own.items():
            if tensor.shape != stored[key].shape:
                shapes = f"{tuple(stored[key].shape)}, not {tuple(tensor.shape)}"
                raise NetworkFileError(f"{name} has {key} of shape {shapes}.")
            tensor.copy_(stored[key])


def _moments(adam: torch.optim.Adam, network: nn.Module, prefix: str) -> dict[str, Tensor]:
    """The optimiser's state by the parameters' names."""
    return {
        f"{prefix}.{name}.{key}": value
        for name, parameter in network.named_parameters()
        for key, value in adam.state.get(parameter, {}).items()
    }


def _restore_moments(
    adam: torch.optim.Adam, network: nn.Module, stored: Mapping[str, Tensor], prefix: str
) -> None:
    for name, parameter in network.named_parameters():
        start = f"{prefix}.{name}."
        found = {k.removeprefix(start): v for k, v in stored.items() if k.startswith(start)}
        own = {k: v for k, v in found.items() if "." not in k}
        if not own:
            continue
        state = adam.state[parameter]
        for key, value in own.items():
            if key == "step":
                state[key] = value.clone()
            else:
                state[key] = torch.empty_like(parameter).copy_(value)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is trained, by the prefix that its tensors have in a state."""

    networks: Mapping[str, nn.Module]
    adams: Mapping[str, tuple[torch.optim.Adam, nn.Module]]
    """Optimisers, each with the network whose parameters it moves."""

    def tensors(self) -> dict[str, Tensor]:
        """Weights and moments by name."""
        found = {
            f"{prefix}.{name}": tensor
            for prefix, network in self.networks.items()
            for name, tensor in network.state_dict().items()
        }
        for prefix, (adam, network) in self.adams.items():
            found |= _moments(adam, network, prefix)
        return found

    def load(self, stored: Mapping[str, Tensor], name: str) -> None:
        """Take up what `tensors` gave. Raises NetworkFileError, which names the file `name`, unless all fit."""
        for prefix, network in self.networks.items():
            fill(network, below(stored, prefix), name)
        for prefix, (adam, network) in self.adams.items():
            _restore_moments(adam, network, stored, prefix)


def below(stored: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors of one network of a state, by their own names."""
    start = f"{prefix}."
    return {key.removeprefix(start): value for key, value in stored.items() if key.startswith(start)}


def _parts(stepper: Stepper) -> Parts:
    return Parts(
        {"g": stepper.generator, "d": stepper.discriminator, "ema": stepper.ema},
        {"adam_g": (stepper.adam_g, stepper.generator), "adam_d": (stepper.adam_d, stepper.discriminator)},
    )


def save_state(path: Path, stepper: Stepper) -> None:
    """Networks, averages, optimisers and counters: all that the next step depends on. Raises OSError."""
    every = _parts(stepper).tensors() | {"path_mean": stepper.path_mean}
    about = {"kind": "training state", "progress": asdict(stepper.progress)}
    tensors.write(path, every, about)


def load_state(path: Path, stepper: Stepper) -> None:
    """Bring a fresh stepper to the stored state. Raises NetworkFileError when it does not fit."""
    stored, about = tensors.read(path)
    if about.get("kind") != "training state":
        raise NetworkFileError(f"{path.name} holds no training state.")
    _parts(stepper).load(stored, path.name)
    stepper.path_mean = stored["path_mean"].to(stepper.device)
    stepper.progress = Progress(**about["progress"])


def start_from(path: Path, stepper: Stepper) -> None:
    """Begin a new run with another's networks of the same shape (transfer). Raises NetworkFileError."""
    stored, about = tensors.read(path)
    if about.get("kind") == "training state":
        for prefix, network in _parts(stepper).networks.items():
            fill(network, below(stored, prefix), path.name)
        return
    for network in (stepper.generator, stepper.ema):
        fill(network, {k: v.float() for k, v in stored.items()}, path.name)


def finite(stepper: Stepper) -> bool:
    """Whether every weight is a number."""
    return all(
        bool(tensor.isfinite().all())
        for network in _parts(stepper).networks.values()
        for tensor in network.state_dict().values()
    )
