"""A picture becomes a file: analysis, hyper analysis, scale index, means, symbols, bytes."""

from __future__ import annotations

import operator
import os

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import bundle as bundles
from .bundle import Bundle
from .container import TILE, Chunk, Header, write
from .entropy import Symbols, Writer
from .errors import BundleError
from .pixels import Floats, Pixels, from_image, to_network
from .tables import HYPER_LIMIT

DEFAULT_QUALITY = 50
SYMBOL_MAX = 1 << 22  # latents are clamped here; real ones stay far below


def encode(
    image: Image.Image | Pixels,
    quality: int = DEFAULT_QUALITY,
    model: str | os.PathLike[str] | Bundle | None = None,
    threads: int = 0,
) -> bytes:
    """Encode a picture as the bytes of a ``.skosh`` file.

    ``image``: any Pillow picture, or RGB bytes of shape (H, W, 3). ``quality``: 0 (smallest) to 100 (best). ``model``: an installed bundle's
    name, a bundle's folder or a loaded bundle. ``threads``: 0 for one a core.

    Raises ValueError for a quality out of range or an array that is no RGB picture, ImageError, LimitError and BundleError.
    """
    quality = operator.index(quality)
    if not 0 <= quality <= 100:
        raise ValueError(f"quality is 0 to 100, not {quality}")
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"an array has to be (H, W, 3) of uint8, not {image.shape} of {image.dtype}")
        image = Image.fromarray(image)
    pixels = from_image(image)
    bundle = model if isinstance(model, Bundle) else bundles.load(model, threads)
    header = Header(pixels.shape[1], pixels.shape[0], bundle.row(quality), bundle.model_id)
    stream = encode_tile(bundle, pixels, quality)
    return write(header, [Chunk(TILE, stream)])


def encode_tile(bundle: Bundle, pixels: Pixels, quality: int) -> bytes:
    """The entropy-coded stream of one tile, (H, W, 3) bytes."""
    writer = Writer(bundle.models)
    (y,) = bundle.run("analysis", to_network(pixels, bundle.multiple))
    if not np.isfinite(y).all():
        raise BundleError(f"the model {bundle.name} gave values that are no numbers for this picture")
    if bundle.hyper:
        z, q, index = symbols(bundle, y, quality)
        writer.put_z(z)
        writer.put_q(q, index)
    else:
        writer.put_z(to_hyper_symbols(y))
    return writer.stream()


def symbols(bundle: Bundle, y: Floats, quality: int) -> tuple[Symbols, Symbols, npt.NDArray[np.uint8]]:
    """y (1, M, H, W) -> z (N, h, w), q (M, H, W) and the scale indices of q."""
    gain, inverse = bundle.level("gain", quality), bundle.level("inverse", quality)
    u = np.clip(y * gain, -SYMBOL_MAX, SYMBOL_MAX)
    (z_float,) = bundle.run("hyper_analysis", u)
    z = to_hyper_symbols(z_float + bundle.level("z_level", quality))
    index = bundle.scale_index(z, quality)
    coded = index > 0  # the rest is known to be 0
    first = bundle.first_half(*y.shape[2:])

    features, mean, step = bundle.mean_first(z, quality)
    q = np.rint((u - mean * gain) / step) * (first & coded)
    known = np.where(first, (q * step + mean * gain) * inverse, np.float32(0.0))
    mean, step = bundle.mean_second(features, known)
    q = np.where(first, q, np.rint((u - mean * gain) / step) * coded)
    return z, q[0].astype(np.int32), index


def to_hyper_symbols(values: Floats) -> Symbols:
    """Round and clamp (1, N, h, w) to the alphabet of z, (N, h, w)."""
    rounded: Symbols = np.clip(np.rint(values[0]), -HYPER_LIMIT, HYPER_LIMIT).astype(np.int32)
    return rounded
