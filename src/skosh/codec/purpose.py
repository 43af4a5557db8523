"""What a file is for: which of a bundle's analysis networks makes it, and the realism that it asks readers for."""

from __future__ import annotations

from typing import NamedTuple

from ..bundle.bundle import Bundle
from ..bundle.heads import check_has
from ..container.extras import pack_realism
from .refine import check_effort
from .renditions import check_realism

ANALYSIS, DENOISE, PSNR = "analysis", "analysis_denoise", "analysis_psnr"  # the plain graph, and those for a purpose
TUNES = {"psnr": PSNR}


class Purpose(NamedTuple):
    """What a file is for."""

    analysis: str = ANALYSIS  # the analysis network
    realism: float | None = None  # 0 to 1, for readers that are not told another; None asks for nothing

    def check(self, bundle: Bundle, effort: int) -> None:
        """Raise BundleError where a bundle lacks the network or efforts, ValueError where both exclude each other.

        Raise ValueError for an unknown effort, too.
        """
        check_effort(effort, bundle)
        if self.analysis != ANALYSIS:
            check_has(bundle, self.analysis)
        if effort and self.analysis == DENOISE:
            raise ValueError("effort and denoise exclude each other: efforts look for the noisy pixels")

    def chunks(self) -> dict[bytes, bytes]:
        """Return the chunks that say so in a file."""
        return {} if self.realism is None else pack_realism(self.realism)


PLAIN = Purpose()


def purpose_of(tune: str | None, denoise: bool, realism: float | None) -> Purpose:
    """Return the purpose that arguments of ``encode`` name.

    Raises ValueError for an unknown tune, both tune and denoise, or a realism out of range; TypeError for a realism
    that is no number.
    """
    if tune is not None and tune not in TUNES:
        raise ValueError(f"tune is {' or '.join(TUNES)} or None, not {tune!r}")
    if tune and denoise:
        raise ValueError("tune and denoise exclude each other")
    return Purpose(TUNES[tune] if tune else DENOISE if denoise else ANALYSIS, check_realism(realism))
