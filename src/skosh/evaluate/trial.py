"""One trial: a picture through a codec and a file on disk, and the metrics of the decoded picture.

Runs in a worker process.
"""

from __future__ import annotations

import io
import tempfile
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from PIL import Image

import skosh

from ..files import write_whole
from . import codecs, pictures
from .codec import Codec
from .metrics import Metrics
from .pictures import Picture
from .results import Result


@dataclass(frozen=True)
class Trial:
    """What is to be tried. The result is kept under the codec's ``version`` and ``settings``."""

    picture: Picture
    spec: str  # of the codec, as codecs.make takes it
    codec: str  # its name
    version: str
    settings: str
    quality: float
    keep: Path | None = None  # where to write the decoded picture, PNG

    def result(self) -> Result:
        """The result to fill in."""
        return Result(
            self.picture.name, self.picture.digest, self.codec, self.version, self.settings, float(self.quality)
        )


class Bench:
    """What a worker keeps between trials: the metrics' networks, the codecs, the last picture."""

    def __init__(self, metrics: tuple[str, ...], weights: Path | None, threads: int):
        """``threads``: of the metrics and of skosh."""
        import torch

        torch.set_num_threads(threads)
        self.metrics = Metrics(metrics, weights)
        self.threads = threads
        self.codec = lru_cache(maxsize=None)(self._codec)
        self.picture = lru_cache(maxsize=2)(pictures.read)

    def _codec(self, spec: str) -> Codec:
        codec = codecs.make(spec)
        if hasattr(codec, "threads"):
            codec.threads = self.threads
        codec.version()  # some register themselves with Pillow here
        return codec

    def run(self, trial: Trial) -> Result:
        """Run a trial. What the codec raises becomes the result's error."""
        result = trial.result()
        try:
            original = self.picture(trial.picture.path)
            result = replace(result, width=original.width, height=original.height)
            return self.measure(self.codec(trial.spec), original, trial, result)
        except Exception as error:  # one codec that fails on one picture must not stop the rest
            return replace(result, error=in_a_line(error))

    def measure(self, codec: Codec, original: Image.Image, trial: Trial, result: Result) -> Result:
        """Bytes of the file and metrics of the picture that is decoded from it."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "coded"
            start = time.perf_counter()
            data = codec.encode(original, trial.quality)
            encoded = time.perf_counter()
            file.write_bytes(data)
            size, data = file.stat().st_size, file.read_bytes()
            read = time.perf_counter()
            decoded = codec.decode(data)
            seconds = encoded - start, time.perf_counter() - read
        metrics = self.metrics(original, decoded)
        if trial.keep:
            write_whole(trial.keep, png(decoded))
        times = {"encode_seconds": round(seconds[0], 6), "decode_seconds": round(seconds[1], 6)}
        return replace(result, bytes=size, metrics=metrics, **times)  # type: ignore[arg-type]


def png(image: Image.Image) -> bytes:
    """A picture as a file without loss."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def in_a_line(error: BaseException) -> str:
    """Return an error in one line. Its kind is named unless skosh raised it on purpose."""
    text = " ".join(str(error).split())
    return text if isinstance(error, skosh.SkoshError) and text else f"{type(error).__name__}: {text}".rstrip(": ")
