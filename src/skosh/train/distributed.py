"""Several processes, one training: what ``torchrun`` says in the environment, and PyTorch's own data parallelism.

    torchrun --nproc-per-node 8 -m skosh train --config flagship-gpu ...

The batch of the configuration is the sum over all processes. Each draws its own part of the same crops, gradients are averaged, so all hold the same weights;
the first one validates, reports and saves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Place:
    """Where this process computes and which one it is."""

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that speaks and saves."""
        return self.rank == 0


def join(device: str | None) -> Place:
    """The place of this process; under ``torchrun`` it meets the others."""
    cuda = torch.cuda.is_available() if device is None else device.startswith("cuda")
    if "RANK" not in os.environ or dist.is_initialized():
        return Place(torch.device(device or ("cuda" if cuda else "cpu")))
    dist.init_process_group("nccl" if cuda else "gloo")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if cuda:
        torch.cuda.set_device(local)
    return Place(torch.device(f"cuda:{local}" if cuda else "cpu"), dist.get_rank(), dist.get_world_size())


def leave(place: Place) -> None:
    """Part from the others."""
    if place.world > 1:
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


def averaged(value: Tensor, place: Place) -> Tensor:
    """The mean of a number over all processes."""
    if place.world > 1:
        value = value.clone()
        dist.all_reduce(value)
        value /= place.world
    return value
