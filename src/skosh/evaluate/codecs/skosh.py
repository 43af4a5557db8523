"""skosh itself, with the bundle that it ships or any other, and with options of its encoder and decoder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from PIL import Image

import skosh

from ...errors import did_you_mean
from .. import UsageError
from ..codec import Codec, Scale

ROOMS = ("picture", "entropy", "container", "bundle", "codec")  # whose code decides what files hold and show
STEP = 0.125  # files keep the quality in eighths
ENCODING = {"effort": int, "tune": str, "denoise": bool}  # as ``skosh.encode`` takes them
DECODING = {"realism": float}  # as ``skosh.decode`` takes them
KINDS: dict[str, type] = {**ENCODING, **DECODING}
LOOKS = {  # of a curve with an option
    "effort": ("orange", "p"),
    "tune": ("green", "^"),
    "denoise": ("sky", "h"),
    "realism": ("purple", "v"),
}
Options = Mapping[str, Any]  # by name; what is not in it is left to skosh


class Skosh(Codec):
    """skosh with the shipped default bundle.

    ``skosh=NAME`` and ``skosh=FOLDER`` are other bundles. Options follow, each after an ``@``: ``skosh@realism=0.5``,
    ``skosh=FOLDER@tune=psnr``, ``skosh@denoise``. A number alone is an effort: ``skosh=NAME@2``.
    """

    settings = "default tiles"
    scale = Scale(0, 100, STEP)
    qualities: tuple[float, ...] = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
    install = "it is part of this package"
    colour, marker = "vermilion", "o"

    def __init__(self, model: str | None = None, threads: int = 1, options: Options | None = None):
        """``model``: as ``skosh.encode`` takes it. ``threads``: 0 for one a core. ``options``: those of ``KINDS``."""
        self.model, self.threads, self.options = model, threads, dict(options or {})
        self.name = self.label = "skosh"
        if model is not None:  # its curve is to be told from the default's
            called = "/".join(PurePath(model).parts[-2:])  # of a folder with the one above it: many end in "bundle"
            self.name, self.label = f"skosh={called}", f"skosh {called}"
            self.colour, self.marker = "pink", "d"
        self._encoder = self.name
        for name in (name for name in KINDS if name in self.options):
            tag, words = named(name, self.options[name])
            self.name, self.label = self.name + tag, f"{self.label}, {words}"
            self._encoder += tag if name in ENCODING else ""
            self.colour, self.marker = LOOKS[name]

    @property
    def encoder(self) -> str:
        return self._encoder

    @classmethod
    def make(cls, argument: str | None) -> Skosh:
        model, options = argument or "", dict[str, Any]()
        while "@" in model and not Path(model).is_dir():
            model, _, text = model.rpartition("@")
            name, value = option(text)
            if name in options:
                raise UsageError(f"skosh takes one {name}, not {options[name]} and {value}")
            options[name] = value
        return cls(model or None, options=options)

    def version(self) -> str:
        """Return the package's version, its weights, its code and the model id.

        The weights count besides the model id, which leaves out encoders and what a realistic picture is made with. A
        bundle of a single rate has one setting from here on. Raises UsageError for an option out of range.
        """
        try:
            data = self.encode(Image.new("RGB", (64, 64), "grey"), 100)
            self.decode(data)
        except (TypeError, ValueError) as error:  # TypeError: an option that this skosh does not have
            raise UsageError(f"{self.name}: {error}") from error
        found = skosh.info(data)
        if not found["quality"]:
            self.scale, self.qualities = Scale(0, 0, STEP), (0,)
        return f"skosh {skosh.__version__}, weights {weights(self.model)}, code {code()}, model {found['model_id']}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        exact = int(quality) if quality == int(quality) else quality
        return skosh.encode(image, exact, self.model, self.threads, **self._given(ENCODING))

    def decode(self, data: bytes) -> Image.Image:
        return skosh.decode(data, self.model, self.threads, **self._given(DECODING)).convert("RGB")

    def _given(self, names: Mapping[str, type]) -> dict[str, Any]:
        return {name: value for name, value in self.options.items() if name in names}


def option(text: str) -> tuple[str, Any]:
    """Return name and value of what stands after an ``@``. Raises UsageError for something unknown."""
    if text.isdecimal():
        return "effort", int(text)
    name, equals, value = text.partition("=")
    if name not in KINDS:
        known = ", ".join(KINDS)
        raise UsageError(f"skosh has no option {name!r} to measure: there are {known}{did_you_mean(name, KINDS)}")
    if KINDS[name] is bool:
        if equals:
            raise UsageError(f"{name} takes no value: @{name}")
        return name, True
    if not value:
        raise UsageError(f"{name} takes a value: @{name}=...")
    try:
        return name, KINDS[name](value)
    except ValueError:
        raise UsageError(f"{name} takes a number, not {value!r}") from None


def named(name: str, value: Any) -> tuple[str, str]:
    """Return an option as it stands in a codec's name, and in words."""
    if value is True:
        return f"@{name}", name
    text = value if isinstance(value, str) else f"{value:g}"
    return f"@{text}" if name == "effort" else f"@{name}={text}", f"{name} {text}"


def weights(model: str | None) -> str:
    """Return a digest of a bundle's files besides what only training needs, 8 hexadecimal digits."""
    manifest = skosh.bundle.load(model).manifest  # there once something was encoded
    files = {name: digest for name, digest in manifest["files"].items() if "/" in name}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:8]


def code() -> str:
    """Return a digest of the codec's own modules, 8 hexadecimal digits: files depend on them and on the bundle."""
    digest, root = hashlib.sha256(), Path(skosh.__file__).parent
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


CODEC = Skosh
