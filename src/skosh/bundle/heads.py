"""Networks that a bundle may lack: heads, which show a decoded latent in other ways, and encoders for a purpose.

The manifest's section ``heads`` holds ``halo``; ``made_for``, the model id of the decoder that each head was trained
with; and ``realism``, 0 to 1, which pictures get when nobody says otherwise: one number, or several that belong to
qualities spread evenly over 0..100, with straight lines between. None of them counts for the model id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import BundleError
from .graphs import GRAPHS, HEADS, path_of

if TYPE_CHECKING:
    from .bundle import Bundle

QUALITY_MAX = 100
WHAT = {  # an optional network -> what a bundle without it can't do, and what to do then
    "detail": ("draws no detail", "decode with a realism of 0, or with a bundle that has this head"),
    "double": ("has no pictures of double size", "decode with a scale of 1, or with a bundle that has this head"),
    "analysis_denoise": ("has no encoder for noisy pictures", "encode without denoise, or with a bundle that has it"),
    "analysis_psnr": ("has no encoder for PSNR alone", "encode without tune, or with a bundle that has it"),
}


def check_has(bundle: Bundle, graph: str) -> None:
    """Raise BundleError, with a remedy, unless the bundle can run an optional network on parts of a picture."""
    if not bundle.has(graph):
        lack, remedy = WHAT[graph]
        raise BundleError(f"the model {bundle.name} {lack}: it lacks {path_of(graph)}; {remedy}")
    if graph not in bundle.halo:
        raise BundleError(f"the manifest of the bundle {bundle.folder} lacks the halo of {graph}")
    if GRAPHS[graph].role == HEADS:
        made_for = bundle.manifest[HEADS].get("made_for", {}).get(graph)
        if made_for != bundle.model_id.hex():
            raise BundleError(
                f"{path_of(graph)} of the bundle {bundle.folder} was made for the decoder {made_for or 'of no name'}, "
                f"not for {bundle.model_id.hex()}: take the head of this decoder, or decode with a realism of 0 and a "
                "scale of 1"
            )


def default_realism(bundle: Bundle, quality: float) -> float:
    """Return the realism of pictures of a quality for which nobody says one: 0 in a bundle that draws no detail."""
    if not bundle.has("detail"):
        return 0.0
    knots = np.atleast_1d(bundle.manifest[HEADS].get("realism", 0.0))
    return float(np.interp(quality / QUALITY_MAX, np.linspace(0.0, 1.0, len(knots)), knots))
