"""Configuration: one flat frozen dataclass, filled from a small YAML file that holds only what differs."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError, did_you_mean

HEADS = ("detail", "small", "double")  # parts that read what a decoder computes,
PARTS = (*HEADS, "denoise", "psnr")  # and encoders


@dataclass(frozen=True)
class Config:
    """Everything a run depends on besides the pictures. Fields that the chosen network does not use are ignored."""

    name: str = "unnamed"  # becomes the bundle's name
    part: str = ""  # everything, or on a frozen bundle: detail, small, double (heads), denoise or psnr (encoders)

    # heads
    head_width_16: int = 192  # channels of detail and double at 1/16
    head_blocks_16: int = 2
    head_width_4: int = 32  # at 1/4
    head_blocks_4: int = 3
    small_width: int = 64  # channels of the small pictures' networks, at 1/16
    small_blocks: int = 1

    # from here to lambda_max: where a part is trained, as the frozen bundle has it
    network: str = "flagship"  # flagship or seed

    # entropy model, both networks
    latent_channels: int = 384  # M, channels of y at 1/16
    hyper_channels: int = 96  # N, channels of z at 1/64; 0 (seed only): no hyperprior
    mean_width: int = 192  # channels inside hyper analysis and mean networks
    mean_features: int = 64  # channels of the features that both mean networks share
    mean_context: int = 128  # channels to which the known half of y is reduced
    levels: int = 6  # knots of the quality axis; 1: a single rate, and lambda_min = lambda_max
    integer_scale_from: float = 0.7  # fraction of the steps after which the scale map is in integers

    # flagship
    learned_step: bool = False  # a quantisation step for each element, from the mean networks
    exponent: float = 2.0  # of the distribution of q; 2 is normal, 1 Laplace's
    width_4: int = 48  # channels of the analysis at 1/4
    blocks_4: int = 1
    width_8: int = 96  # at 1/8
    blocks_8: int = 2
    width_16: int = 192  # at 1/16
    blocks_16: int = 4
    body_width: int = 256  # channels of the synthesis at 1/16
    body_blocks: int = 5
    render_width: int = 32  # channels of the synthesis at 1/4
    render_blocks: int = 2

    # seed
    width: int = 192  # channels everywhere
    activation: str = "gdn"  # gdn, prelu or leaky

    # loss: level_weight * (lambda_d * D + lambda_r * R), R in bits a pixel
    lambda_min: float = 0.0012  # lambda_d at quality 0
    lambda_max: float = 0.06  # lambda_d at quality 100, log-linear between
    lambda_r: float = 1.0
    level_balance: float = 0.5  # level_weight = (lambda_d / lambda_mid) ** -level_balance; 0: none
    weight_mse: float = 1.0  # D: times 255^2 MSE
    weight_mae: float = 0.0  # times MAE on [0, 1]
    weight_ms_ssim: float = 0.0  # times 1 - MS-SSIM
    weight_lpips: float = 0.0  # times LPIPS (AlexNet)
    weight_ssimulacra2: float = 0.0  # times SSIMULACRA 2's weighted sum, about 1 at a score of 90 and 20 at 50
    weight_pattern: float = 0.0  # times 255^2 MSE of the error that all blocks of 16x16 share
    weight_wasserstein: float = 0.0  # times LPIPS of local means and deviations of the features
    weight_drift: float = 0.0  # times MAE of the pictures reduced by 2, 4, 8, 16 and 32
    weight_adversary: float = 0.0  # times the discriminator's verdict (adversary.py), about 0.7 where it can't tell
    weight_matching: float = 0.0  # times MAE of the discriminator's features

    # adversary
    adversary_width: int = 32  # channels of the discriminator at 1/2, four times as many at 1/8
    adversary_every: int = 2  # steps between two updates of the discriminator
    adversary_rate: float = 1e-4  # its learning rate
    adversary_ramp: float = 0.2  # fraction of the steps over which both weights rise

    # data
    crop: int = 256  # side of a crop in pixels, a multiple of 64
    batch: int = 10  # crops a step, over all processes
    recolour: float = 0.0  # share of the crops whose hue is turned and whose saturation is raised
    noise: float = 0.0  # share of the crops that get noise, without which they are due back
    noise_max: float = 50.0  # its largest standard deviation, of 255
    seed: int = 1

    # optimiser
    optimiser: str = "soap"  # soap or adam
    learning_rate: float = 3e-3  # the highest
    learning_rate_min: float = 1e-5  # where the schedule ends, or the low point of the cycle
    schedule: str = (
        "decay"  # decay: warm up, hold, cosine over the last decay_part; cyclic: a triangle between min and max
    )
    decay_part: float = 0.65  # fraction of the steps over which the learning rate falls
    warmup: int = 200  # steps
    cycle: int = 2000  # steps of a whole triangle
    soap_max_side: int = 400  # sides of a weight matrix up to this are preconditioned; longer ones cost too much
    soap_every: int = 20  # steps between two renewals of the eigenbases
    soap_covariance_every: int = (
        2  # steps between two updates of the covariances, from which the eigenbases are renewed
    )
    linear_rate: float = 0.1  # learning rate of the linear transform, relative
    clip: float = 1.0  # largest norm of the gradient; 0: no clipping
    ema: float = 0.999  # decay of the averaged weights, which are validated and exported

    # run
    steps: int = 0  # 0: from epochs
    epochs: int = 0  # an epoch draws as many crops as there are pictures
    autocast: str = "none"  # none or bf16
    compile: bool = False  # torch.compile: pays on a GPU, not on two cores
    validate_every: int = 2000  # steps
    save_every: int = 500  # steps


def configs() -> list[str]:
    """Names of the configurations that come with the package."""
    folder = resources.files(__package__) / "configs"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def load(source: str, settings: tuple[str, ...] = ()) -> Config:
    """Return a configuration by name or file, with ``key=value`` settings on top.

    Raises ConfigError for an unknown key or a wrong type.
    """
    path = Path(source)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise ConfigError(f"no configuration file {source}")
        try:
            text = path.read_text("utf-8")
        except (OSError, ValueError) as error:
            raise ConfigError(f"can't read {source}: {error}") from error
    elif source in configs():
        text = (resources.files(__package__) / "configs" / f"{source}.yaml").read_text()
    else:
        listed, suggestion = ", ".join(configs()), did_you_mean(str(source), configs())
        raise ConfigError(f"no configuration {source!r}: give a .yaml file or one of {listed}{suggestion}")
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is no YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{source} has to hold key: value lines, not {type(values).__name__}")
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set takes key=value, not {setting!r}")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting}: {error}") from error
    return from_dict(values)


def from_dict(values: dict[str, Any]) -> Config:
    """A checked configuration from a mapping of field names."""
    fields = {f.name: f for f in dataclasses.fields(Config)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            listed, suggestion = ", ".join(fields), did_you_mean(str(key), fields)
            raise ConfigError(f"unknown configuration key {key!r}; known: {listed}{suggestion}")
        checked[key] = _typed(key, value, type(fields[key].default))
    config = Config(**checked)
    _check(config)
    return config


def network_fields() -> list[str]:
    """Return the names of the fields that say what codec a part belongs to, and the lambdas of its levels."""
    names = [field.name for field in dataclasses.fields(Config)]
    return names[names.index("network") : names.index("lambda_max") + 1]


def other_weights(c: Config) -> tuple[float, ...]:
    """Return the weights of what the loss adds to plain errors of pixels, but for the adversary's."""
    features = (c.weight_lpips, c.weight_wasserstein)
    return (c.weight_ms_ssim, c.weight_ssimulacra2, *features, c.weight_pattern, c.weight_drift)


def _typed(key: str, value: Any, kind: type) -> Any:
    if kind in (int, float) and isinstance(value, str):  # YAML 1.1 reads 1e-3 as a string
        with contextlib.suppress(ValueError):
            value = float(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{key} takes {kind.__name__}, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{key} takes a finite number, not {value}")
    return value


def _check(c: Config) -> None:
    means, transform = (c.mean_width, c.mean_features, c.mean_context), (c.width_4, c.width_8, c.width_16)
    widths = (*means, *transform, c.body_width, c.render_width, c.width, c.adversary_width)
    head_widths = (c.head_width_16, c.head_width_4, c.small_width)
    blocks = (c.blocks_4, c.blocks_8, c.blocks_16, c.body_blocks, c.render_blocks)
    head_blocks = (c.head_blocks_16, c.head_blocks_4, c.small_blocks)
    plain, others = (c.weight_mse, c.weight_mae), other_weights(c)
    judged = (c.weight_adversary, c.weight_matching)
    rules = {
        "widths, mean_features and mean_context are positive": min(*widths, *head_widths) > 0,
        "blocks and hyper_channels are not negative": min(*blocks, *head_blocks, c.hyper_channels) >= 0,
        "weights are not negative, and one is positive": min(*plain, *others, *judged) >= 0 < max(*plain, *others),
        "part is empty or one of detail, small, double, denoise and psnr": c.part in ("", *PARTS),
        "parts belong to a flagship": not c.part or c.network == "flagship",
        "small pictures are trained with weight_mse and weight_mae only": c.part != "small" or not any(others),
        "double needs a crop that is a multiple of 128": c.part != "double" or c.crop % 128 == 0,
        "noise is in 0..1, and for encoders": 0 <= c.noise <= (c.part not in HEADS),
        "noise_max is in 0..255": 0 <= c.noise_max <= 255,
        "an adversary is for detail or everything": c.part in ("", "detail") or not any(judged),
        "adversary_every is positive, adversary_rate not negative": c.adversary_every > 0 <= c.adversary_rate,
        "adversary_ramp is in 0..1": 0 <= c.adversary_ramp <= 1,
        "0 <= learning_rate_min <= learning_rate": 0 <= c.learning_rate_min <= c.learning_rate,
        "warmup, soap_max_side and linear_rate are not negative": min(c.warmup, c.soap_max_side, c.linear_rate) >= 0,
        "recolour is in 0..1": 0 <= c.recolour <= 1,
        "ema is in 0..1, not 1": 0 <= c.ema < 1,
        "integer_scale_from is in 0..1": 0 <= c.integer_scale_from <= 1,
        "network is flagship or seed": c.network in ("flagship", "seed"),
        "optimiser is soap or adam": c.optimiser in ("soap", "adam"),
        "schedule is decay or cyclic": c.schedule in ("decay", "cyclic"),
        "autocast is none or bf16": c.autocast in ("none", "bf16"),
        "crop is a positive multiple of 64": c.crop > 0 and c.crop % 64 == 0,
        "batch is positive": c.batch > 0,
        "seed, steps, epochs, clip and lambda_r are not negative": min(c.seed, c.steps, c.epochs, c.clip, c.lambda_r)
        >= 0,
        "levels is positive": c.levels > 0,
        "decay_part is in 0..1, not 0": 0 < c.decay_part <= 1,
        "cycle, validate_every, save_every, soap_every and soap_covariance_every are positive": min(
            c.cycle, c.validate_every, c.save_every, c.soap_every, c.soap_covariance_every
        )
        > 0,
        "activation is gdn, prelu or leaky": c.activation in ("gdn", "prelu", "leaky"),
        "exponent is in 0.5..2": 0.5 <= c.exponent <= 2.0,
        "either steps or epochs is positive": c.steps > 0 or c.epochs > 0,
        "seed has one level": c.network == "flagship" or c.levels == 1,
        "flagship has a hyperprior": c.network == "seed" or c.hyper_channels > 0,
        "latent_channels is at most 768": 0 < c.latent_channels <= 768,
        "MS-SSIM needs a crop of 192 or more": not c.weight_ms_ssim or c.crop >= 192,
        "0 < lambda_min <= lambda_max": 0 < c.lambda_min <= c.lambda_max,
        "one level has one lambda": c.levels > 1 or c.lambda_min == c.lambda_max,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        raise ConfigError(f"the configuration {c.name!r} breaks: {'; '.join(broken)}")
