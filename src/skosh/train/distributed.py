"""Several processes, one training: what ``torchrun`` says in the environment, and PyTorch's own data parallelism.

    torchrun --nproc-per-node 8 -m skosh train --config flagship-gpu ...

The batch of the configuration is the sum over all processes. Each draws its own part of the same crops, gradients are averaged, so all hold the same weights;
the first one validates, reports and saves.
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
    """The place of this process; under ``torchrun`` it meets the others. ConfigError for a device that is not there."""
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
    """The device of a name; without one, CUDA's if there is any. ConfigError where it can't be used."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # PyTorch without CUDA asserts
        raise ConfigError(f"no device {name!r}: {str(error).splitlines()[0]}") from error
    return device


def leave(place: Place) -> None:
    """Part from the others, where ``join`` met them."""
    if place.opened:
        dist.destroy_process_group()


def shared(model: nn.Module, place: Place) -> nn.Module:
    """The model as the loop calls it: its gradients are averaged over all processes."""
    return DistributedDataParallel(model) if place.world > 1 else model


def any_of(asked: bool, place: Place) -> bool:
    """Whether any process asks for something, so that all stop at the same step."""
    if place.world == 1:
        return asked
    votes = torch.tensor(float(asked), device=place.device)
    dist.all_reduce(votes)
    return bool(votes > 0)
