"""The adversary learns to tell pictures apart, its verdict pushes towards originals, and it can be resumed."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch

from skosh.train import distributed
from skosh.train.adversary import Adversary, Discriminator, matching, relativistic
from skosh.train.config import Config, load
from skosh.train.data import load_pictures
from skosh.train.loss import loss_of
from skosh.train.run import Run

HERE = distributed.join("cpu")


def config(**values: object) -> Config:
    return Config(steps=1, part="detail", **{"weight_adversary": 2.0, "adversary_width": 8, **values})


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy originals, and what a decoder makes of them: smooth."""
    torch.manual_seed(0)
    smooth = torch.full((2, 3, 64, 64), 0.5)
    return smooth + 0.2 * torch.randn_like(smooth), smooth


def test_a_discriminator_that_can_not_tell_costs_the_logarithm_of_two() -> None:
    same = torch.randn(3, 1, 4, 4).mean((1, 2, 3), keepdim=True).mean(0, keepdim=True).expand(3, 1, 4, 4)
    torch.testing.assert_close(relativistic(same, same), torch.full((3,), math.log(2.0)))
    assert (relativistic(same + 9.0, same) < 1e-3).all()
    assert (relativistic(same - 9.0, same) > 8.0).all()


def test_the_adversary_learns_to_tell_and_its_verdict_then_points_to_the_original() -> None:
    torch.manual_seed(1)
    adversary, (real, smooth) = Adversary(config(adversary_rate=1e-3), HERE), pictures()
    first = adversary.learn(real, smooth, smooth)
    for _ in range(30):
        last = adversary.learn(real, smooth, smooth)
    assert first == pytest.approx(math.log(2.0), abs=0.15)
    assert last < 0.75 * first
    verdicts = [float(adversary.verdict(real, torch.lerp(smooth, real, share), smooth, 1.0).mean()) for share in (0, 1)]
    assert verdicts[1] < 0.9 * verdicts[0]


def test_only_the_picture_gets_a_gradient_of_the_verdict() -> None:
    torch.manual_seed(1)
    adversary, (real, smooth) = Adversary(config(weight_matching=1.0), HERE), pictures()
    weights = {name: value.clone() for name, value in adversary.model.state_dict().items()}
    fake, known = smooth.clone().requires_grad_(), smooth.clone().requires_grad_()
    adversary.verdict(real, fake, known, 1.0).sum().backward()
    assert fake.grad.abs().sum() > 0
    assert known.grad is None
    assert all(p.grad is None for p in adversary.model.parameters())
    assert all(torch.equal(value, weights[name]) for name, value in adversary.model.state_dict().items())


def test_the_verdict_is_ramped_and_the_matching_of_features_is_0_for_the_original() -> None:
    torch.manual_seed(1)
    adversary, (real, smooth) = Adversary(config(adversary_ramp=0.5), HERE), pictures()
    found = []
    for progress in (0.0, 0.25, 0.5, 1.0):
        torch.manual_seed(2)  # the same corner
        found.append(adversary.verdict(real, smooth, smooth, progress))
    assert not found[0].any()
    torch.testing.assert_close(found[1], 0.5 * found[2])
    torch.testing.assert_close(found[2], found[3])
    features = [torch.randn(2, 4, 8, 8) for _ in range(3)]
    torch.testing.assert_close(matching(features, features), torch.zeros(2))
    torch.testing.assert_close(matching(features, [f + 0.5 for f in features]), torch.full((2,), 0.5))


def test_every_layer_has_a_spectral_norm_of_one_and_a_latent_is_seen_at_the_picture_s_size() -> None:
    torch.manual_seed(1)
    model = Discriminator(8, 48)
    for _ in range(30):  # power iteration
        logits, features = model(torch.rand(2, 3, 64, 96), torch.randn(2, 48, 4, 6), 0, 0)
    assert logits.shape == (2, 1, 8, 12)
    assert [f.shape[1:] for f in features] == [(8, 32, 48), (16, 16, 24), (32, 8, 12), (32, 8, 12)]
    for layer in (model.look, model.down2, model.down4, model.down8, model.mix, model.leave):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1.0, abs=0.05)
    one, other = (model(torch.rand(2, 3, 64, 96), torch.full((2, 48, 4, 6), v), 0, 0)[0] for v in (0.0, 5.0))
    assert (one - other).abs().max() > 0.01
    cut, _ = model(torch.rand(2, 3, 64, 96), torch.randn(2, 48, 4, 6), 15, 9)
    assert cut.shape == (2, 1, 6, 10)


def test_an_adversary_that_is_resumed_goes_on_where_it_stopped() -> None:
    torch.manual_seed(1)
    first, (real, smooth) = Adversary(config(), HERE), pictures()
    first.learn(real, smooth, smooth)
    second = Adversary(config(), HERE)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for adversary in (first, second):
        torch.manual_seed(5)
        adversary.learn(real, smooth, smooth)
    for name, value in first.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value), name


SEED = ("width=12", "latent_channels=8", "mean_width=8", "mean_features=8", "mean_context=8", "crop=64", "batch=2")
PLAIN = ("weight_lpips=0", "weight_ms_ssim=0", "learning_rate=1e-3", "learning_rate_min=1e-3", "steps=8")


@pytest.mark.parametrize(
    "options",
    [
        ("activation=prelu",),
        ("hyper_channels=8",),
        ("weight_adversary=0.05", "weight_matching=0.1", "adversary_width=8", "adversary_every=3"),
        ("activation=prelu", "hyper_channels=8", "weight_adversary=0.05", "adversary_width=8"),
    ],
    ids=["prelu", "hyperprior", "adversary", "all"],
)
def test_the_published_network_trains_with_its_authors_next_steps(options: tuple[str, ...], photo_folder: Path) -> None:
    settings = load("seed", (*SEED, *PLAIN, *options))
    run = Run(settings, load_pictures(photo_folder, 64), "", HERE, loss_of(settings))
    before = {name: p.detach().clone() for name, p in run.model.named_parameters()}
    batches = [run.step() for _ in range(settings.steps)]
    assert all(math.isfinite(float(batch.terms.loss)) for batch in batches)
    moved = {name for name, p in run.model.named_parameters() if not torch.equal(p, before[name])}
    assert moved >= {name for name in before if name.startswith(("analysis.", "synthesis."))}
    told = [batch.told is not None for batch in batches]
    if run.adversary is None:
        assert not any(told)
    else:
        assert told == [step % settings.adversary_every == 0 for step in range(settings.steps)]
        assert batches[0].told == pytest.approx(math.log(2.0), abs=0.2)
