"""A file becomes a picture again: z, scale index, q in one pass over the coder, means, synthesis."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import bundle as bundles
from .bundle import Bundle
from .container import TILE, Header, read
from .entropy import Reader, Symbols
from .errors import BundleError, FormatError
from .limits import check_justified
from .pixels import Floats, Pixels, from_network, padded, to_image


def decode(data: bytes, model: str | os.PathLike[str] | Bundle | None = None, threads: int = 0) -> Image.Image:
    """Decode the bytes of a ``.skosh`` file to an RGB picture.

    ``model``: where the bundle is if it is not an installed one; by default it is found by the file's model id. ``threads``: 0 for one a core.

    Raises FormatError for bytes that are no such file or damaged, BundleError if the model is not there, LimitError.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"decode takes the bytes of a .skosh file, not {type(data).__name__}: read the file first")
    header, chunks = read(bytes(data))
    check_justified(header.width, header.height, len(data))
    tiles = [chunk for chunk in chunks if chunk.kind == TILE]
    if header.tile or len(tiles) != 1:
        raise FormatError("this file is in tiles, which this skosh can't read: update it")
    bundle = model if isinstance(model, Bundle) else bundles.load(_folder(header, model), threads)
    if bundle.model_id != header.model_id:
        raise BundleError(
            f"the file was made with model {header.model_id.hex()}, not {bundle.name} ({bundle.model_id.hex()})"
        )
    return to_image(decode_tile(bundle, tiles[0].payload, header))


def info(data: bytes) -> dict[str, Any]:
    """What a file says of itself, without loading a model: size, bits a pixel, quality, model id and whether it is installed."""
    header, _ = read(data)
    folder = bundles.find_by_id(header.model_id)
    return {
        "width": header.width,
        "height": header.height,
        "mode": header.mode,
        "quality": header.quality,
        "bytes": len(data),
        "bpp": 8 * len(data) / (header.width * header.height),
        "model_id": header.model_id.hex(),
        "model": folder.name if folder else None,
    }


def _folder(header: Header, model: str | os.PathLike[str] | None) -> str | os.PathLike[str]:
    if model is not None:
        return model
    folder = bundles.find_by_id(header.model_id)
    if folder is None:
        known = ", ".join(f"{name} {m['content_sha256'][:16]}" for name, _, m in bundles.installed()) or "none"
        raise BundleError(
            f"the file was made with model {header.model_id.hex()}, which is not installed (installed: {known}); name its folder with --model"
        )
    return folder


def decode_tile(bundle: Bundle, stream: bytes, header: Header) -> Pixels:
    """The pixels of one tile, (H, W, 3) bytes."""
    reader = Reader(bundle.models, stream)
    height, width = (padded(n, bundle.multiple) // bundle.stride for n in (header.height, header.width))  # of y
    if bundle.hyper:
        z, q, _ = take_symbols(bundle, reader, height, width, header.quality)
        y_hat = latent(bundle, z, q, header.quality)
    else:
        y_hat = reader.take_z(bundle.latents, height, width)[None].astype(np.float32)
    levels = [bundle.level(name, header.quality) for name in ("synthesis_level",) if name in bundle.arrays]
    (x,) = bundle.run("synthesis", y_hat, *levels)
    return from_network(x, header.height, header.width)


def take_symbols(
    bundle: Bundle, reader: Reader, height: int, width: int, quality: int
) -> tuple[Symbols, Symbols, npt.NDArray[np.uint8]]:
    """z (N, h, w), q (M, height, width) and the scale indices of q."""
    z = reader.take_z(bundle.hyper, height // bundle.reduction, width // bundle.reduction)
    index = bundle.scale_index(z, quality)
    return z, reader.take_q(index), index


def latent(bundle: Bundle, z: Symbols, q: Symbols, quality: int) -> Floats:
    """Means from z and from the first half, and with them y_hat (1, M, H, W)."""
    gain, inverse = bundle.level("gain", quality), bundle.level("inverse", quality)
    first = bundle.first_half(*q.shape[1:])
    values = q[None].astype(np.float32)
    features, mean, step = bundle.mean_first(z, quality)
    known = np.where(first, (values * step + mean * gain) * inverse, np.float32(0.0))
    mean, step = bundle.mean_second(features, known)
    return np.where(first, known, (values * step + mean * gain) * inverse)
