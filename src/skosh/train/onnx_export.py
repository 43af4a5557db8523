"""Write and read a bundle's ONNX graphs: small wrappers that name inputs and outputs, with weights of 1 or 2 bytes."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..bundle.graphs import GRAPHS, Graph, path_of
from ..bundle.scale_map import MAP_MAX
from .flagship import Synthesis
from .gradient import LinearGradient, SynthesisGradient
from .hyperprior import REDUCTION, Hyperprior, ScaleMap
from .networks import Network
from .wiener_terms import TermsGraph, WienerGraph, WienerTerms

OPSET = 18
STORED = ".stored"  # suffix of a weight that is kept in a smaller type
SCALES = ".stored.scales"  # suffix of the scales of its rows, if it has them
SMALL = 64  # tensors of fewer values stay float32: nothing to gain
SHARED_MIN = 256  # bytes of the smallest tensor that is borrowed
BORROWED = {TensorProto.INT8: "int8", TensorProto.FLOAT16: "float16", TensorProto.FLOAT: "float32"}
ROW_MIN = 32  # least values in a row with a scale of its own
ROW_MAX = 127  # the largest magnitude of a row, in units of its scale
SCALE_BITS = 11  # of a scale's mantissa, so that its multiples are exact in float32


Floats = npt.NDArray[np.float32]


class IntegerScaleMap(nn.Module):
    """Map z to the scale index with the integers of a trained ``ScaleMap``; every sum is exact in float32."""

    def __init__(self, scale: ScaleMap):
        super().__init__()
        weight, bias = scale.integers()
        self.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
        self.bias = nn.Parameter(bias.detach() + float(1 << ScaleMap.BITS >> 1), requires_grad=False)

    def forward(self, z: Tensor) -> Tensor:
        total = nn.functional.conv2d(z, self.weight, self.bias)
        index = torch.floor(total * 2.0**-ScaleMap.BITS).clamp(0.0, float(MAP_MAX))
        return nn.functional.pixel_shuffle(index, REDUCTION)


def write_graphs(model: Network, folder: Path) -> None:
    """Write all graphs of a network, its weights already rounded, into a bundle's folder."""
    entropy = model.entropy
    m, size = model.latent_channels, (6, 8)  # of z, for tracing: different sizes, neither of them 1
    y = torch.zeros(1, m, size[0] * REDUCTION, size[1] * REDUCTION)
    write_graph(model.analysis, (torch.zeros(1, 3, 16 * y.shape[2], 16 * y.shape[3]),), folder / path_of("analysis"))
    if not isinstance(entropy, Hyperprior):
        write_graph(model.synthesis, (y,), folder / path_of("synthesis"))
        return
    z = torch.zeros(1, entropy.z_level.rows.shape[1], *size)
    mean_level = torch.zeros(1, entropy.mean_level.rows.shape[1], 1, 1)
    features = torch.zeros(1, mean_level.shape[1], *y.shape[2:])
    write_graph(entropy.analysis, (y,), folder / path_of("hyper_analysis"))
    write_graph(IntegerScaleMap(entropy.scale), (z,), folder / path_of("scale_map"))
    write_graph(entropy.mean_first, (z, mean_level), folder / path_of("mean_first"))
    write_graph(entropy.mean_second, (features, y), folder / path_of("mean_second"))
    if model.synthesis_level is None:
        write_graph(model.synthesis, (y,), folder / path_of("synthesis"))
    else:
        level = torch.zeros(1, model.synthesis_level.rows.shape[1], 1, 1)
        write_graph(model.synthesis, (y, level), folder / path_of("synthesis"))


def write_wiener(terms: WienerTerms, folder: Path) -> None:
    """Write the two graphs of a bundle's Wiener filters into its folder."""
    x, c = torch.zeros(1, 3, 36, 44), torch.zeros(1, len(terms.tables), 1, 1)
    write_graph(WienerGraph(terms), (x, c), folder / path_of("wiener"))
    write_graph(TermsGraph(terms), (x,), folder / path_of("wiener_terms"))


def write_gradients(model: Network, folder: Path) -> dict[str, list[list[Any]]]:
    """Write the gradients of the synthesis into a bundle's folder that already holds the synthesis.

    They borrow all large weights. Returns the borrowed ones by graph, as the manifest lists them: name, type, shape,
    and first byte in ``decoder/synthesis.onnx``.
    """
    assert isinstance(model.synthesis, Synthesis)
    assert model.synthesis_level is not None
    y = torch.zeros(1, model.latent_channels, 6, 8)
    level = torch.zeros(1, model.synthesis_level.rows.shape[1], 1, 1)
    x, inside = (torch.zeros(1, channels, *(16 * side for side in y.shape[2:])) for channels in (3, 1))
    borrowed = {}
    for name, module, inputs in (
        ("synthesis_gradient", SynthesisGradient(model.synthesis), (y, level, x, inside)),
        ("linear_gradient", LinearGradient(model.synthesis.linear), (x,)),
    ):
        path = folder / path_of(name)
        write_graph(module, inputs, path)
        graph = onnx.load(path)
        borrowed[name] = borrow(graph.graph, folder / path_of("synthesis"))
        path.write_bytes(graph.SerializeToString(deterministic=True))
    return borrowed


def borrow(graph: onnx.GraphProto, lender: Path) -> list[list[Any]]:
    """Remove the weights that another graph's file holds from a graph, and return where they lie there."""
    there, rows = lender.read_bytes(), []
    for tensor in graph.initializer:
        values = tensor.raw_data
        offset = there.find(values) if len(values) >= SHARED_MIN else -1
        kind = BORROWED.get(tensor.data_type)
        if offset < 0 or kind is None:
            continue
        rows.append([tensor.name, kind, list(tensor.dims), offset])
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", lender.name), ("offset", offset), ("length", len(values))):
            tensor.external_data.add(key=key, value=str(value))
    return rows


def write_graph(module: nn.Module, inputs: tuple[Tensor, ...], path: Path) -> None:
    """Export a module for pictures of any size, to a path that ends in the name of a row of ``graphs.TABLE``.

    Inputs of a single row and column keep their shape.
    """
    any_size = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    shapes = tuple(any_size if x.shape[2] > 1 else None for x in inputs)
    with _quiet():
        program = torch.onnx.export(
            module.eval(),
            inputs,
            dynamo=True,
            dynamic_shapes=shapes,
            opset_version=OPSET,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    name_tensors(graph.graph, GRAPHS[path.stem])
    store_compactly(graph.graph)
    graph.producer_version = ""
    for node in graph.graph.node:  # traces of source lines, which no decoder needs
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.metadata_props[:], graph.graph.metadata_props[:], graph.graph.value_info[:]
    onnx.checker.check_model(graph)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.SerializeToString(deterministic=True))


def name_tensors(graph: onnx.GraphProto, row: Graph) -> None:
    """Give tensors and nodes names that do not depend on the exporter.

    Inputs and outputs get those of their row. What lies between is called after its operator and counted, from 0.
    Parameters keep their names.
    """
    names: dict[str, str] = {}
    for tensors, given in ((graph.input, row.inputs), (graph.output, row.outputs)):
        names |= {tensor.name: name.strip("[]") for tensor, name in zip(tensors, given, strict=False)}
    counts: Counter[str] = Counter()
    for node in graph.node:
        node.name = f"{node.op_type.lower()}.{counts[node.op_type]}"
        counts[node.op_type] += 1
        for place, name in enumerate(node.output):
            names.setdefault(name, node.name if len(node.output) == 1 else f"{node.name}.{place}")
    for tensor in (*graph.input, *graph.output):
        tensor.name = names[tensor.name]
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(name, name) for name in values]


def store_compactly(graph: onnx.GraphProto) -> None:
    """Store large float32 weights as int8, with or without a scale for each row, or as float16, where that is lossless.

    They become float32 again when the graph is loaded.
    """
    nodes = []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        compact, scales = _compact(values)
        if compact is None:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(compact, name + STORED))
        if scales is None:
            nodes.append(helper.make_node("Cast", [name + STORED], [name], to=TensorProto.FLOAT))
            continue
        graph.initializer.append(numpy_helper.from_array(scales, name + SCALES))
        nodes.append(helper.make_node("Cast", [name + STORED], [name + ".whole"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [name + ".whole", name + SCALES], [name]))
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def has_long_rows(values: Tensor | Floats) -> bool:
    """Return whether a scale for each row (all weights of an output) is cheap beside the row in int8."""
    return len(values.shape) > 1 and math.prod(values.shape[1:]) >= ROW_MIN


def row_scales(values: Floats) -> Floats:
    """Return the scale of each row, (O, 1, ...): its largest magnitude is 127 scales, to SCALE_BITS bits."""
    largest = np.abs(values).max(tuple(range(1, values.ndim)), keepdims=True)
    mantissa, exponent = np.frexp(
        np.where(largest > ROW_MAX * np.finfo(np.float32).tiny, largest, ROW_MAX) / np.float32(ROW_MAX)
    )
    unit = np.float32(1 << SCALE_BITS)
    return np.ldexp(np.rint(mantissa * unit) / unit, exponent).astype(np.float32)


def rounded_rows(values: Floats) -> Floats:
    """Round each value to the nearest of its row's 255 steps. Rounding again changes nothing."""
    scales = row_scales(values)
    steps: Floats = np.clip(np.rint(values / scales), -ROW_MAX, ROW_MAX)
    return steps * scales


def _compact(values: Floats) -> tuple[npt.NDArray[np.generic] | None, Floats | None]:
    """Return the values in a smaller type, and the scales of their rows if any; None where that is impossible."""
    if values.size < SMALL:
        return None, None
    with np.errstate(over="ignore", invalid="ignore"):
        whole, half = values.astype(np.int8), values.astype(np.float16)
    if np.array_equal(whole, values):
        return whole, None
    if has_long_rows(values) and np.array_equal(rounded_rows(values), values):
        scales = row_scales(values)
        return np.rint(values / scales).astype(np.int8), scales
    return (half, None) if np.array_equal(half, values) else (None, None)


def read_weights(content: bytes) -> dict[str, Tensor]:
    """Return the weights of a graph in float32, by the names of the module's parameters."""
    tensors = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(content).graph.initializer
    }
    found = {}
    for name, values in tensors.items():
        if values.dtype in (np.int8, np.float16, np.float32) and not name.endswith(SCALES):
            scales = tensors.get(name.removesuffix(STORED) + SCALES, np.float32(1.0))
            found[name.removesuffix(STORED)] = torch.from_numpy(values.astype(np.float32) * scales)
    return found


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's messages; errors still raise."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(level)
