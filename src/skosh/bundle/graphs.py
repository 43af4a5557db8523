"""The table of graphs: one row for each network that a bundle may hold.

To add a rendition or an encoder, add a row. A graph lies in the folder of its *role*:

    decoder    decides symbols or the faithful picture; its bytes are part of the model id
    encoder    finds symbols; every reader of the model id reads files of another encoder, too
    heads      make other pictures of a decoded latent; they may change freely, as encoders may
"""

from __future__ import annotations

from typing import NamedTuple

# ONNX Runtime gives every network threads of its own. More than these do not pay: a large picture runs several
# windows at once, each network on one thread, so that only small pictures use threads within a network.
MOST_THREADS = 16
DECODER, ENCODER, HEADS = ROLES = ("decoder", "encoder", "heads")


class Graph(NamedTuple):
    """A network. All tensors are float32 (1, C, H, W)."""

    name: str  # of the file, without .onnx
    role: str
    inputs: tuple[str, ...]  # in this order; [in brackets]: only in bundles with such levels
    outputs: tuple[str, ...]  # likewise; [in brackets]: not in every bundle
    scale: float  # output samples a side for one of the first input
    halo: bool  # whether the manifest gives its halo, in samples of the coarser side
    needs: str = "always"  # always, hyperprior (of bundles that have one) or optional
    threads: int = MOST_THREADS  # at most; more do not pay


TABLE = (
    # body (1, 256, H/16, W/16) and render (1, 32, H/4, W/4): features that heads take
    Graph("synthesis", DECODER, ("y_hat", "[synthesis_level]"), ("x_hat", "[body]", "[render]"), 16, True),
    Graph("scale_map", DECODER, ("z",), ("index",), 4, False, "hyperprior", 4),  # exact: whole numbers on every machine
    Graph("mean_first", DECODER, ("z", "mean_level"), ("features", "mean", "[step]"), 4, True, "hyperprior", 4),
    Graph("mean_second", DECODER, ("features", "known"), ("mean", "[step]"), 1, True, "hyperprior"),
    Graph("wiener", DECODER, ("x_hat", "coefficients"), ("x_filtered",), 1, True, "optional", 1),
    Graph("analysis", ENCODER, ("x",), ("y",), 1 / 16, True),
    Graph("analysis_denoise", ENCODER, ("x",), ("y",), 1 / 16, True, "optional"),  # of noisy pictures
    Graph("analysis_psnr", ENCODER, ("x",), ("y",), 1 / 16, True, "optional"),  # for the squared error alone
    Graph("hyper_analysis", ENCODER, ("u",), ("z",), 1 / 4, True, "hyperprior", 4),
    Graph("synthesis_gradient", ENCODER, ("y_hat", "level", "x", "inside"), ("slope", "error"), 1, False, "optional"),
    Graph("linear_gradient", ENCODER, ("difference",), ("slope",), 1 / 16, False, "optional", 1),
    Graph("wiener_terms", ENCODER, ("x_hat",), ("terms",), 1 / 5, False, "optional", 1),
    Graph("detail", HEADS, ("body", "render", "noise", "realism"), ("detail",), 16, True, "optional"),
    Graph("small_2", HEADS, ("y_hat", "[synthesis_level]"), ("x_small",), 8, True, "optional", 4),
    Graph("small_4", HEADS, ("y_hat", "[synthesis_level]"), ("x_small",), 4, True, "optional", 4),
    Graph("small_8", HEADS, ("y_hat", "[synthesis_level]"), ("x_small",), 2, True, "optional", 4),
    Graph("double", HEADS, ("body", "render", "x_hat"), ("x_double",), 32, True, "optional"),
)
GRAPHS = {graph.name: graph for graph in TABLE}


def path_of(name: str) -> str:
    """Return the path of a graph in a bundle's folder. Raises KeyError for an unknown name."""
    return f"{GRAPHS[name].role}/{name}.onnx"


def due(role: str, hyperprior: bool) -> list[Graph]:
    """Return the graphs of a role that every bundle has, with or without a hyperprior."""
    return [g for g in TABLE if g.role == role and (g.needs == "always" or (hyperprior and g.needs == "hyperprior"))]
