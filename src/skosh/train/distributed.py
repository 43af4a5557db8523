"""Several processes, one training: what ``torchrun`` sets in the environment, and PyTorch's own data parallelism.

    torchrun --nproc-per-node 8 -m skosh train --config flagship-gpu ...

The batch of the configuration is the sum over all processes. Each draws its own part of the same crops. Gradients are
averaged, so all processes hold the same weights. The first one validates, reports and saves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import ConfigError


@dataclass(frozen=True)
class Place:
    """Where this process computes and which one it is."""

    device: torch.device
    rank: int = 0
    world: int = 1
    opened: bool = False  # whether ``leave`` ends the process group

    @property
    def first(self) -> bool:
        """Whether this process is the one that speaks and saves."""
        return self.rank == 0


def join(device: str | None) -> Place:
    """Return the place of this process; under ``torchrun``, meet the others first.

    Raises ConfigError for a device that is not there.
    """
    own = device_of(device)
    opened = "RANK" in os.environ and not dist.is_initialized()
    if opened:
        dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    if not dist.is_initialized():
        return Place(own)
    if own.type == "cuda":
        own = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(own)
    return Place(own, dist.get_rank(), dist.get_world_size(), opened)


def device_of(name: str | None) -> torch.device:
    """Return the device of a name; without a name, CUDA's if there is one, else the CPU.

    Raises ConfigError if it can't be used.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # PyTorch without CUDA raises AssertionError
        raise ConfigError(f"no device {name!r}: {str(error).splitlines()[0]}") from error
    return device


def leave(place: Place) -> None:
    """Leave the process group that ``join`` entered."""
    if place.opened:
        dist.destroy_process_group()


def shared(model: nn.Module, place: Place) -> nn.Module:
    """Return the model as the loop calls it: its gradients are averaged over all processes."""
    return DistributedDataParallel(model) if place.world > 1 else model


def average_gradients(model: nn.Module, place: Place) -> None:
    """Average the gradients of a model that is not ``shared`` over all processes."""
    if place.world > 1:
        for parameter in model.parameters():
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)
                parameter.grad /= place.world


def any_of(asked: bool, place: Place) -> bool:
    """Return whether any process asks for something, so that all stop at the same step."""
    if place.world == 1:
        return asked
    votes = torch.tensor(float(asked), device=place.device)
    dist.all_reduce(votes)
    return bool(votes > 0)
