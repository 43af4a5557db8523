"""Configurations: what is wrong with one is said by name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skosh.cli import app
from skosh.errors import ConfigError
from skosh.train.config import Config, configs, from_dict, load


@pytest.mark.parametrize("name", configs())
def test_every_shipped_configuration_loads_under_its_name(name: str) -> None:
    assert load(name).name == name.removesuffix("-gpu")  # the same network, so the same name of its bundle


def test_these_configurations_are_shipped() -> None:
    everything = {"flagship", "flagship-gpu", "seed", "stream", "tiny"}
    assert set(configs()) == {*everything, "detail", "small", "double", "denoise", "psnr"}


def test_a_saved_configuration_is_read_back_the_same() -> None:
    config = load("tiny")
    assert from_dict(dataclasses.asdict(config)) == config


def test_a_file_holds_only_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("steps: 5\nlambda_r: 2\n")
    assert load(str(path)) == Config(steps=5, lambda_r=2.0)


def test_settings_replace_what_the_file_says_and_the_last_one_wins() -> None:
    config = load("tiny", ("steps=7", "activation=prelu", "steps=9", "lambda_max=0.5"))
    assert (config.steps, config.activation, config.lambda_max) == (9, "prelu", 0.5)
    assert config.latent_channels == load("tiny").latent_channels


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("2.5E-4", 2.5e-4), ("1", 1.0)])
def test_scientific_notation_is_a_number_though_yaml_thinks_otherwise(tmp_path: Path, text: str, value: float) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"steps: 1e3\nlearning_rate: {text}\n")
    for config in (load(str(path)), load("tiny", (f"learning_rate={text}", "steps=1e3"))):
        assert config.learning_rate == value
        assert isinstance(config.learning_rate, float)
        assert config.steps == 1000
        assert isinstance(config.steps, int)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ConfigError, match="'learnig_rate'"):
        load("tiny", ("learnig_rate=1",))


@pytest.mark.parametrize(
    "setting",
    [
        "steps=many",
        "steps=1.5",
        "steps=true",
        "steps=",
        "learning_rate=fast",
        "learning_rate=yes",
        "learning_rate=.nan",
        "clip=.inf",
        "network=3",
    ],
)
def test_a_value_of_the_wrong_type_is_named(setting: str) -> None:
    with pytest.raises(ConfigError, match=setting.partition("=")[0]):
        load("tiny", (setting,))


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (["network=other"], "network"),
        (["optimiser=sgd"], "optimiser"),
        (["schedule=flat"], "schedule"),
        (["autocast=fp16"], "autocast"),
        (["crop=100"], "crop"),
        (["crop=0"], "crop"),
        (["batch=0"], "batch"),
        (["steps=0"], "steps"),
        (["network=seed"], "one level"),
        (["hyper_channels=0"], "hyperprior"),
        (["latent_channels=769"], "latent_channels"),
        (["latent_channels=0"], "latent_channels"),
        (["lambda_min=1", "lambda_max=0.5"], "lambda_min"),
        (["lambda_min=0"], "lambda_min"),
        (["levels=1"], "one level has one lambda"),
        (["steps=-5", "epochs=3"], "not negative"),
        (["clip=-1"], "not negative"),
        (["seed=-1"], "not negative"),
        (["width_4=0"], "widths"),
        (["mean_features=0"], "widths"),
        (["blocks_4=-3"], "blocks"),
        (["weight_mse=-1"], "weights"),
        (["weight_mse=0"], "weights"),
        (["weight_pattern=-1"], "weights"),
        (["learning_rate=-1"], "learning_rate"),
        (["learning_rate_min=1"], "learning_rate"),
        (["linear_rate=-2"], "linear_rate"),
        (["warmup=-1"], "warmup"),
        (["ema=1"], "ema"),
        (["integer_scale_from=7"], "integer_scale_from"),
    ],
)
def test_a_rule_that_is_broken_is_said(settings: list[str], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        load("tiny", tuple(settings))


@pytest.mark.parametrize(
    ("source", "settings"),
    [
        ("tiny", ["levels=0"]),
        ("tiny", ["decay_part=0"]),
        ("tiny", ["schedule=cyclic", "cycle=0"]),
        ("tiny", ["validate_every=0"]),
        ("tiny", ["save_every=0"]),
        ("tiny", ["soap_every=0"]),
        ("seed", ["activation=relu"]),
    ],
)
def test_a_value_that_would_stop_the_run_in_the_middle_is_an_error_at_once(source: str, settings: list[str]) -> None:
    with pytest.raises(ConfigError, match=settings[-1].partition("=")[0]):
        load(source, tuple(settings))


@pytest.mark.parametrize("source", ["nothing", "nothing.yaml"])
def test_a_configuration_that_is_not_there_is_an_error(source: str) -> None:
    with pytest.raises(ConfigError, match="nothing"):
        load(source)


@pytest.mark.parametrize("text", ["- steps\n- 3\n", "just words", "steps: [1", "a: b: c"])
def test_a_file_that_is_no_mapping_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load(str(path))


@pytest.mark.parametrize("setting", ["steps", "name=[1"])
def test_a_setting_that_makes_no_sense_is_an_error(setting: str) -> None:
    with pytest.raises(ConfigError, match=setting.partition("=")[0]):
        load("tiny", (setting,))


@pytest.mark.parametrize(
    ("options", "word"),
    [(["tiny", "--set", "steps=many"], "steps"), (["tiny", "--set", "stepz=1"], "stepz"), (["nothing"], "nothing")],
)
def test_a_wrong_configuration_is_a_mistake_of_usage(tmp_path: Path, options: list[str], word: str) -> None:
    folders = [f"--{name}={tmp_path / name}" for name in ("data", "val", "out")]
    done = CliRunner().invoke(app, ["train", *folders, "--config", *options])
    assert done.exit_code == 2
    assert word in done.output
    assert not (tmp_path / "out").exists()
