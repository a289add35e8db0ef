"""onnxruntime sessions with stated threads: by itself it would size its pools from all cores of the machine."""

from pathlib import Path
from typing import Any

import onnxruntime

from realign_edge.bundle.contract import Graph, StationProfile, graph_file
from realign_edge.errors import MissingError


def open_graph(folder: Path, profile: StationProfile, graph: Graph, threads: int) -> Any:
    """The session of one graph, in the precision that the bundle runs with.

    Raises:
        MissingError: the file is missing or damaged.
    """
    path = folder / graph_file(graph, profile.precisions[graph])
    if not path.is_file():
        raise MissingError(f"{path} is not there", "install the bundle again")
    try:
        return onnxruntime.InferenceSession(str(path), options(threads), providers=["CPUExecutionProvider"])
    except Exception as problem:  # its exceptions have no common base
        said = str(problem).splitlines()[0][:200]
        raise MissingError(f"{path} cannot be loaded: {said}", "install the bundle again") from problem


def options(threads: int) -> Any:
    """threads: of the session's pool, at least 1. They sleep while there is nothing to do."""
    found = onnxruntime.SessionOptions()
    found.intra_op_num_threads = max(1, threads)
    found.inter_op_num_threads = 1
    found.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    found.log_severity_level = 3
    found.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return found
