"""SOAP: Adam in the slowly turning eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, algorithm 3).

Every weight is seen as a matrix, outputs x rest; vectors get plain Adam. We keep our own implementation for two
reasons. The packaged one merges the axes of depthwise kernels into shapes that it then can't precondition. And resuming
has to be exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class SOAP(torch.optim.Optimizer):
    """Precondition both sides of every matrix whose side is at most ``max_side``; leave longer sides as they are."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        basis_decay: float = 0.95,
        basis_every: int = 10,
        covariance_every: int = 1,
        max_side: int = 1024,
        eps: float = 1e-8,
    ):
        """``basis_decay``: decay of the covariances over one step.

        ``basis_every``: steps between two QR steps of the eigenbases. ``covariance_every``: steps between two updates
        of the covariances, which then move as far as they would have in all of these steps.
        """
        super().__init__(params, {"lr": lr})
        self.betas, self.basis_every, self.covariance_every = betas, basis_every, covariance_every
        self.covariance_decay = basis_decay**covariance_every
        self.max_side, self.eps = max_side, eps

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update once.

        The first step of a matrix only gathers statistics: an eigenbasis of one gradient says little.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, p.grad.float(), group["lr"])

    def _update(self, p: Tensor, grad: Tensor, lr: float) -> None:
        g = grad.reshape(len(p), -1) if p.dim() > 1 else grad
        state = self.state[p]
        if not state:
            self._start(state, g)
            if p.dim() > 1:
                return
        beta1, beta2 = self.betas
        state["step"] += 1
        step = int(state["step"])
        turned = _turn(g, state)
        state["turned_mean"].lerp_(turned, 1 - beta1)  # both moments live in the eigenbasis
        state["square"].lerp_(turned * turned, 1 - beta2)
        direction = state["turned_mean"] / (state["square"].sqrt() + self.eps)
        rate = lr * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        p.sub_(_turn_back(direction, state).reshape(p.shape), alpha=rate)
        if p.dim() > 1 and step % self.covariance_every == 0:
            for side, covariance in _covariances(g, self.max_side).items():
                state[f"cov_{side}"].lerp_(covariance, 1 - self.covariance_decay)
        if p.dim() > 1 and step % self.basis_every == 0:
            _renew(state)

    def _start(self, state: dict[str, Any], g: Tensor) -> None:
        state["step"] = torch.tensor(0.0)
        state["turned_mean"] = torch.zeros_like(g)
        state["square"] = torch.zeros_like(g)
        for side, covariance in _covariances(g, self.max_side).items():
            state[f"cov_{side}"] = covariance * (1 - self.covariance_decay)
            # In float64: in float32 LAPACK can turn small numbers and rows of zeros into NaN.
            state[f"basis_{side}"] = torch.linalg.eigh(covariance.double())[1].flip(1).to(g.dtype)


def _renew(state: dict[str, Any]) -> None:
    """Turn the eigenbases towards those of the covariances, and the moments with them.

    One power iteration and a QR.
    """
    mean = _turn_back(state["turned_mean"], state)
    for side in ("left", "right"):
        if f"basis_{side}" not in state:
            continue
        basis = state[f"basis_{side}"]
        product = state[f"cov_{side}"] @ basis
        order = torch.argsort((basis * product).sum(0), descending=True)
        state[f"basis_{side}"] = torch.linalg.qr(product[:, order])[0]
        state["square"] = state["square"].index_select(0 if side == "left" else 1, order)
    state["turned_mean"] = _turn(mean, state)


def _covariances(g: Tensor, max_side: int) -> dict[str, Tensor]:
    if g.dim() < 2:
        return {}
    sides = {}
    if 1 < g.shape[0] <= max_side:
        sides["left"] = g @ g.t()
    if 1 < g.shape[1] <= max_side:
        sides["right"] = g.t() @ g
    return sides


def _turn(g: Tensor, state: dict[str, Any]) -> Tensor:
    g = state["basis_left"].t() @ g if "basis_left" in state else g
    return g @ state["basis_right"] if "basis_right" in state else g


def _turn_back(g: Tensor, state: dict[str, Any]) -> Tensor:
    g = state["basis_left"] @ g if "basis_left" in state else g
    return g @ state["basis_right"].t() if "basis_right" in state else g
