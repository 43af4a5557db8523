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

    analysis: str = ANALYSIS  # the analysis network that is asked for
    realism: float | None = None  # 0 to 1, for readers that are not told another; None asks for nothing

    def check(self, bundle: Bundle, effort: int) -> None:
        """Raise BundleError where a bundle lacks the network or efforts, ValueError where both exclude each other.

        Raise ValueError for an unknown effort, too.
        """
        check_effort(effort, bundle)
        network = self.network(bundle)
        if network != ANALYSIS:
            check_has(bundle, network)
        if effort and self.analysis == DENOISE:
            raise ValueError("effort and denoise exclude each other: efforts look for the noisy pixels")

    @property
    def exact(self) -> bool:
        """Return whether only the squared error counts."""
        return self.analysis == PSNR

    def network(self, bundle: Bundle) -> str:
        """Return the graph of a bundle that analyses pictures.

        For PSNR alone it is the plain one where the bundle has no other, and errors still count for less in busy
        places otherwise: symbols are then chosen for the squared error.
        """
        plain = self.exact and not bundle.has(PSNR) and bundle.hyper > 0 and bundle.masking is not None
        return ANALYSIS if plain else self.analysis

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
