"""Export a run that trained a part: its graphs go into the bundle that it was trained on, which stays as it is else."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor

from ..bundle.graphs import GRAPHS, HEADS, path_of
from ..bundle.manifest import content, read_manifest, seal
from ..errors import ConfigError
from ..progress import stage
from . import checkpoint
from .config import Config
from .export import averaged_state, round_state, swap
from .flagship import Flagship
from .init import restore
from .networks import build
from .onnx_export import write_graph
from .parts import Graph, Part, part_of
from .provenance import provenance
from .receptive import halo

ANALYSIS = ("down8.", "blocks8.", "down16.", "blocks16.", "leave.")  # layers of 8 bits, as in export.EIGHT_BITS
EIGHT_BITS = {  # by graph: layers at 1/8 and 1/16, but for linear transforms
    "detail": ("enter.", "blocks16.", "up."),
    "double": ("enter.", "blocks16.", "up."),
    **dict.fromkeys(("small_2", "small_4", "small_8"), ("enter.", "blocks.", "leave.")),
    **dict.fromkeys(("analysis_denoise", "analysis_psnr"), ANALYSIS),
}
ENCODERS_OWN = ("analysis.", "entropy.analysis.", "entropy.z_level.")  # of a codec: no decoder has these
READ = {"body", "render"}  # outputs of the synthesis that older bundles lack


def check_bundle(run: str | Path, bundle: str | Path) -> Path:
    """Return the folder of the bundle that a part goes into.

    Raises ConfigError where there is no run, or the run lies inside of the bundle, and BundleError for no bundle.
    """
    target = Path(bundle).resolve()
    checkpoint.find(run)
    if Path(run).resolve().is_relative_to(target):
        raise ConfigError(f"{target} is or holds the run itself")
    read_manifest(target)
    return target


def export_into(run: str | Path, bundle: str | Path) -> dict[str, Any]:
    """Write or replace the graphs of a run's part in the folder of a bundle, and return the manifest.

    The averaged weights are rounded (``round_state``). The folder is written beside and renamed: it changes whole or
    not at all. Its model id stays. Raises ConfigError where the run trained no part, or on another codec than the
    bundle's, and BundleError where the bundle is damaged.
    """
    target = check_bundle(run, bundle)
    state = checkpoint.load(run)
    config: Config = state["config"]
    if not config.part:
        raise ConfigError(f"{run} trained everything: export it as a bundle of its own, with --out")
    before = read_manifest(target)
    part = averaged_part(config, state)
    check_codec(part, target)
    check_features(part, target, before)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
        fresh, old = Path(beside, "new"), Path(beside, "old")
        shutil.copytree(target, fresh)
        with stage("writing the networks"):
            after = write_part(part, fresh, before, origin(Path(run), state))
        if after["model_id"] != before["model_id"]:
            raise ConfigError(f"the files of {target} have changed: its model id would no longer be the same")
        if read_manifest(target) != before:
            raise ConfigError(f"the bundle {target} has changed meanwhile: export again")
        swap(fresh, target, old)
    return after


def averaged_part(config: Config, state: dict[str, Any]) -> Part:
    """Return the part of a checkpoint with its averaged weights."""
    codec = build(config)
    assert isinstance(codec, Flagship)
    part = part_of(config, codec)
    part.load_state_dict(averaged_state(state))
    return part.eval()


def check_codec(part: Part, bundle: Path) -> None:
    """Raise ConfigError unless a part was trained on the weights of a bundle.

    A head depends on the decoder alone. An encoder has to know the bundle's hyper analysis as well.
    """
    own = ENCODERS_OWN if all(GRAPHS[graph.name].role == HEADS for graph in part.graphs()) else ENCODERS_OWN[:1]
    have, due = (shared_state(codec, own) for codec in (frozen_codec(part), restore(bundle)[1]))
    wrong = [name for name, value in due.items() if name not in have or not torch.equal(have[name], value)]
    if wrong or have.keys() - due.keys():
        raise ConfigError(f"the run was trained on another codec than {bundle}: {', '.join(wrong[:3])} ... differ")


def frozen_codec(part: Part) -> Flagship:
    """Return the codec of a part."""
    (found,) = (module for module in part.modules() if isinstance(module, Flagship))
    return found


def shared_state(codec: torch.nn.Module, left_out: tuple[str, ...]) -> dict[str, Tensor]:
    """Return the parameters of a codec, but for those whose names begin so."""
    return {name: value for name, value in codec.state_dict().items() if not name.startswith(left_out)}


def check_features(part: Part, bundle: Path, manifest: dict[str, Any]) -> None:
    """Raise ConfigError if a part reads features that the bundle's synthesis does not give."""
    if not any(READ & set(GRAPHS[graph.name].inputs) for graph in part.graphs()):
        return
    graph = onnx.load_from_string(content(bundle, manifest, path_of("synthesis"))).graph
    if len(graph.output) != len(GRAPHS["synthesis"].outputs):
        raise ConfigError(
            f"the synthesis of {bundle} does not show its features to heads: export the bundle anew first"
        )


def write_part(part: Part, folder: Path, manifest: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Write the graphs of a part into a bundle's folder, seal it, and return the manifest.

    ``made``: where the weights come from; the manifest lists it by graph.
    """
    sections: dict[str, Any] = {}
    for graph in part.graphs():
        role = GRAPHS[graph.name].role
        round_state(graph.network.state_dict(), EIGHT_BITS[graph.name])
        write_graph(graph.network, traced(graph), folder / path_of(graph.name))
        section = sections.setdefault(role, dict(manifest[role]))
        section["halo"] = section.get("halo", {}) | {graph.name: halo(graph.network, graph.inputs)}
        section["provenance"] = section.get("provenance", {}) | {graph.name: made}
        if role == HEADS:  # the decoder whose features it reads
            section["made_for"] = section.get("made_for", {}) | {graph.name: manifest["model_id"]}
    return seal(folder, manifest | sections)


def traced(graph: Graph) -> tuple[Tensor, ...]:
    """Return inputs to trace a graph with: different sizes, neither of them 1."""
    return tuple(torch.zeros(1, channels, 6 * fine or 1, 8 * fine or 1) for channels, fine in graph.inputs)


def origin(run: Path, state: dict[str, Any]) -> dict[str, Any]:
    """Return where a part's weights come from; of its configuration, what differs from the defaults."""
    plain = dataclasses.asdict(Config())
    found = provenance(run, state)
    return found | {"config": {key: value for key, value in found["config"].items() if value != plain[key]}}
