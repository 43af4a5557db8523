"""The tables of networks in docs/format.md, read from the graphs themselves. ``format_tables.py`` writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from skosh.bundle.graphs import TABLE, Graph, path_of
from skosh.bundle.manifest import MANIFEST

# Pixels a side for a sample of the first input, by its name.
GRIDS = {"z": 64, "y_hat": 16, "features": 16, "u": 16, "body": 16, "x": 1, "x_hat": 1, "difference": 1}
GRID_NAMES = {64: "z", 16: "y", 1: "pixels"}
SIDE = 5 * 1024  # pixels: what symbolic sides are tried with; a multiple of every stride
HEAD = "| file | inputs | outputs | halo | IR, opset | operators |\n| --- | --- | --- | --- | --- | --- |"


def table(*folders: Path, without: Path | None = None) -> str:
    """Return a row for each network of some bundles, in the order of ``graphs.TABLE``, by the first that has it.

    ``without``: leave out networks that this bundle has, too.
    """
    rows = []
    for graph in TABLE:
        holders = [folder for folder in folders if has(folder, graph)]
        if holders and not (without and has(without, graph)):
            rows.append(row(holders[0], graph))
    return "\n".join([HEAD, *rows])


def has(folder: Path, graph: Graph) -> bool:
    return (folder / path_of(graph.name)).is_file()


def row(folder: Path, graph: Graph) -> str:
    model = loaded(folder, graph.name)
    stride, first = GRIDS[graph.inputs[0].strip("[]")], model.graph.input[0]
    symbols = {d.dim_param: SIDE // stride for d in first.type.tensor_type.shape.dim if d.dim_param}
    inputs, outputs = (
        "<br>".join(f"`{value.name}` {described(value, symbols)}" for value in values)
        for values in (model.graph.input, model.graph.output)
    )
    halo = json.loads((folder / MANIFEST).read_text())[graph.role].get("halo", {}).get(graph.name)
    coarser = GRID_NAMES[int(max(stride, stride / graph.scale))] if graph.halo else ""
    opsets = ", ".join(f"{one.domain or 'ai.onnx'} {one.version}" for one in model.opset_import)
    cells = [
        f"`{path_of(graph.name)}`",
        inputs,
        outputs,
        f"{halo}, of {coarser}" if halo is not None else "",
        f"{model.ir_version}, {opsets}",
        ", ".join(sorted({operator(node) for node in nodes(model.graph)})),
    ]
    return f"| {' | '.join(cells)} |"


def loaded(folder: Path, name: str) -> Any:
    """Return a graph without the weights that it borrows from another file."""
    return onnx.load(folder / path_of(name), load_external_data=False)


def nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph and of those inside of it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from nodes(inner)


def operator(node: Any) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain else str(node.op_type)


def described(value: Any, symbols: dict[str, int]) -> str:
    """Return type and shape of an input or output; its sides in those of the padded picture, H and W."""
    tensor = value.type.tensor_type
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    sides = iter("HW")
    shape = [
        side(evaluated(d.dim_param, symbols), next(sides)) if d.dim_param else str(d.dim_value)
        for d in tensor.shape.dim
    ]
    return f"{kind} ({', '.join(shape)})"


def evaluated(formula: str, symbols: dict[str, int]) -> int:
    """Return the value of a symbolic side, such as ``4*s59`` or ``(s53//16)``."""
    assert re.fullmatch(r"[\ws()+*/ -]+", formula), formula
    return int(eval(formula, {"__builtins__": {}}, dict(symbols)))


def side(samples: int, name: str) -> str:
    """Return a side of so many samples, where the picture has ``SIDE`` pixels, as a formula."""
    if SIDE % samples == 0:
        return f"{name}/{SIDE // samples}" if samples < SIDE else name
    return f"{samples // SIDE} {name}" if samples % SIDE == 0 else f"{name} - {SIDE - samples}"
