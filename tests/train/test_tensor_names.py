from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest

from skosh.bundle.graphs import GRAPHS, path_of
from skosh.train import config
from skosh.train.networks import build
from skosh.train.onnx_export import write_graphs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("graphs")
    write_graphs(build(config.load("tiny")).eval(), found)
    return found


@pytest.mark.parametrize("name", ["analysis", "hyper_analysis", "scale_map", "mean_first", "mean_second", "synthesis"])
def test_tensors_have_the_names_of_the_table_and_not_the_exporters(folder: Path, name: str) -> None:
    graph, row = onnx.load(folder / path_of(name)).graph, GRAPHS[name]
    for tensors, given in ((graph.input, row.inputs), (graph.output, row.outputs)):
        assert [tensor.name for tensor in tensors] == [text.strip("[]") for text in given[: len(tensors)]]
    parameters = {tensor.name for tensor in graph.initializer}
    known = parameters | {name.removesuffix(".stored") for name in parameters} | {tensor.name for tensor in graph.input}
    for node in graph.node:
        made = set(node.output) - {tensor.name for tensor in graph.output} - known
        assert all(re.fullmatch(r"[a-z]+\.\d+|.*\.whole", tensor) for tensor in made), made
        assert set(node.input) <= known | {""}
        known |= set(node.output)
