"""The optimiser, and the crops that it sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from skosh.train import run
from skosh.train.config import Config
from skosh.train.data import Crops
from skosh.types import Pixels

from .variant import Variant


def adamw() -> None:
    plain = run.make_optimiser

    def make(config: Config, model: nn.Module) -> torch.optim.Optimizer:
        groups = []
        for group in plain(config, model).param_groups:
            for decay, matrix in ((0.01, True), (0.0, False)):
                params = [p for p in group["params"] if (p.dim() == 4) == matrix]
                groups.append({"params": params, "relative": group["relative"], "weight_decay": decay})
        return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)

    run.make_optimiser = make


def as_matrix(weight: Tensor) -> Tensor:
    """(outputs, inputs, h, w) -> (outputs, h w inputs): the same memory, where that is channels last."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


class MuonAndAdamW(torch.optim.Optimizer):
    """PyTorch's Muon for the matrices of 1x1 convolutions and of patches, AdamW for the rest.

    One learning rate for both.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float):
        super().__init__([dict(group) for group in groups], {"lr": lr})
        matrices, others = [], []
        self.views: list[tuple[nn.Parameter, nn.Parameter]] = []  # a weight, and the same memory with two axes
        for group in self.param_groups:
            chosen = [p for p in group["params"] if p.dim() == 4 and p.shape[1] > 1]
            flat = [nn.Parameter(as_matrix(p.detach())) for p in chosen]
            assert all(p.data_ptr() == seen.data_ptr() for p, seen in zip(chosen, flat, strict=True))
            self.views += zip(chosen, flat, strict=True)
            rest = set(map(id, chosen))
            matrices.append({"params": flat, "relative": group["relative"]})
            others.append({"params": [p for p in group["params"] if id(p) not in rest], "relative": group["relative"]})
        self.muon = torch.optim.Muon(matrices, lr=lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        self.adamw = torch.optim.AdamW([group for group in others if group["params"]], lr=lr, weight_decay=0.0)

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update."""
        rate = self.param_groups[0]["lr"] / self.param_groups[0]["relative"]
        for optimiser in (self.muon, self.adamw):
            for group in optimiser.param_groups:
                group["lr"] = rate * group["relative"]
        for weight, flat in self.views:
            flat.grad = None if weight.grad is None else as_matrix(weight.grad)
        self.muon.step()  # type: ignore[no-untyped-call]
        self.adamw.step()


def muon() -> None:
    plain = run.make_optimiser

    def make(config: Config, model: nn.Module) -> torch.optim.Optimizer:
        return MuonAndAdamW(plain(config, model).param_groups, config.learning_rate)

    run.make_optimiser = make


def crops_in_turn(part: float, first: tuple[int, int], last: tuple[int, int]) -> Callable[[], None]:
    """Crops of one (side, number) for so large a part of the steps, then of another."""

    def apply() -> None:
        plain = run.Run.step

        def step(self: run.Run) -> run.Batch:
            crop, batch = first if self.done < part * self.steps else last
            if (self.crops.crop, self.crops.batch) != (crop, batch):
                self.crops.crop, self.crops.batch = crop, batch
                self.pixels_a_step = batch * crop**2
            return plain(self)

        run.Run.step = step  # type: ignore[method-assign]

    return apply


class Reduced(Crops):
    """All crops of a step are reduced by the same random factor of 1 to 2."""

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        side = self.crop
        self.crop = round(side * np.random.default_rng((self.seed, step, 1)).uniform(1.0, 2.0))
        try:
            cut, levels = super().draw(step)
        finally:
            self.crop = side
        x = cut.permute(0, 3, 1, 2).float()
        x = F.interpolate(x, (side, side), mode="bicubic", antialias=True)
        return x.round().clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1), levels


def reduce_at_random() -> None:
    run.Crops = Reduced  # type: ignore[attr-defined]


def large_enough(pictures: list[Pixels]) -> list[Pixels]:
    """Those of which a crop can be cut that is twice as large."""
    return [picture for picture in pictures if min(picture.shape[:2]) >= 384]


def with_reductions(pictures: list[Pixels]) -> list[Pixels]:
    """Every picture also reduced by 1.4 and by 2, where it stays large enough."""
    found = list(pictures)
    for picture in pictures:
        for factor in (2.0**0.5, 2.0):
            height, width = (int(side / factor) for side in picture.shape[:2])
            if min(height, width) >= 256:
                found.append(np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)))
    return found


OPTIMISER: dict[str, Variant] = {
    "soap-10": Variant("Optimiser", "SOAP at 1e-2", {"learning_rate": 1e-2}),
    "adam": Variant("Optimiser", "Adam at 1e-3", {"optimiser": "adam", "learning_rate": 1e-3}),
    "adam-3": Variant("Optimiser", "Adam at 3e-3", {"optimiser": "adam", "learning_rate": 3e-3}),
    "adamw": Variant("Optimiser", "AdamW at 1e-3", {"learning_rate": 1e-3}, adamw),
    "adamw-3": Variant("Optimiser", "AdamW at 3e-3", apply=adamw),
    "adamw-10": Variant("Optimiser", "AdamW at 1e-2", {"learning_rate": 1e-2}, adamw),
    "muon": Variant("Optimiser", "Muon for matrices, AdamW for the rest, at 1e-3", {"learning_rate": 1e-3}, muon),
    "muon-3": Variant("Optimiser", "Muon and AdamW at 3e-3", apply=muon),
    "no-average": Variant("Optimiser", "no averaged weights", {"ema": 0.0}),
    "crops-128": Variant("Optimiser", "18 crops of 128x128", {"crop": 128, "batch": 18}),
    "crops-384": Variant("Optimiser", "2 crops of 384x384", {"crop": 384, "batch": 2}),
    "crops-grow": Variant(
        "Optimiser", "18 crops of 128x128 for the first half", apply=crops_in_turn(0.5, (128, 18), (192, 8))
    ),
    "crops-last": Variant(
        "Optimiser", "2 crops of 384x384 for the last fifth", {}, crops_in_turn(0.8, (192, 8), (384, 2)), large_enough
    ),
    "reduced": Variant("Optimiser", "crops reduced at random by 1 to 2", apply=reduce_at_random, pictures=large_enough),
    "reductions": Variant("Optimiser", "pictures also reduced by 1.4 and 2", pictures=with_reductions),
}
