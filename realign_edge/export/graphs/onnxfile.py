"""ONNX models on disk: the same bytes every time, weights beside the graph where there are many."""

from pathlib import Path

import onnx_ir as ir

from realign_edge.files import sync_folder

# Beyond what ONNX defines: the operators of onnxruntime itself.
MICROSOFT = "com.microsoft"
PRODUCER = "realign-edge"
OPSET, IR_VERSION = 18, 10
# Beyond this, weights lie in a file of their own, which is mapped into memory instead of being read; protobuf itself
# ends at 2 GB. Below, one file is simpler to carry about.
DATA = "_data"
EXTERNAL_FROM = 256 * 2**20


def save_model(model: ir.Model, path: Path) -> tuple[Path, ...]:
    """Write the graph, and its weights beside it as `<file>_data` where they are large; returns the files."""
    size = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value)
    if size < EXTERNAL_FROM:
        ir.save(model, path)
        written: tuple[Path, ...] = (path,)
    else:
        ir.save(model, path, external_data=f"{path.name}{DATA}", size_threshold_bytes=1024)
        written = (path, path.with_name(f"{path.name}{DATA}"))
    sync_folder(path.parent)
    return written


def width_of(value: ir.Value) -> int:
    """The size of its last axis, which is fixed."""
    assert value.shape is not None
    width = value.shape[-1]
    assert isinstance(width, int)
    return width
