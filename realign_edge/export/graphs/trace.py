"""torch's exporter for the parts that we do not write ourselves: quiet, with symbolic axes that are checked."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn

from realign_edge.errors import RealignError
from realign_edge.export.graphs.onnxfile import PRODUCER

_LOGGERS = ("torch.onnx", "torch.export", "torch._dynamo", "torch.fx", "onnxscript", "onnx_ir")


def traced(
    module: nn.Module,
    example: tuple[Any, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    axes: Mapping[str, Any],
    name: str,
) -> ir.Model:
    """The graph of `module`; axes: by argument of `forward`, which axes vary (as `torch.export.Dim`).

    Raises:
        RealignError: torch could not trace it, or fixed an axis that must vary.
    """
    try:
        with _quiet(), torch.no_grad():
            program: Any = torch.onnx.export(
                module.eval(), example, input_names=list(inputs), output_names=list(outputs), dynamic_shapes=dict(axes),
                dynamo=True, verbose=False,
            )  # fmt: skip
    except (RuntimeError, ValueError, TypeError) as problem:
        raise RealignError(
            f"torch cannot export {name} to ONNX: {str(problem).strip().splitlines()[0]}",
            "report the model's family; the run and its adapter are unharmed",
        ) from problem
    model: ir.Model = program.model
    _check_axes(model, example, axes, name)
    _nameless(model, name)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither loggers nor warnings: what the exporter says is for its authors, and what matters is checked here."""
    before = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _check_axes(model: ir.Model, example: tuple[Any, ...], axes: Mapping[str, Any], name: str) -> None:
    """The exporter fixes an axis to the example's size without a word where the code loops over it."""
    wanted = [spec for group in axes.values() for spec in (group if isinstance(group, list | tuple) else [group])]
    given = [t for group in example for t in (group if isinstance(group, list | tuple) else [group])]
    for value, spec, tensor in zip(model.graph.inputs, wanted, given, strict=True):
        shape = list(value.shape or ())
        fixed = [axis for axis in spec or {} if isinstance(shape[axis], int)]
        if fixed or len(shape) != _rank(tensor):
            raise RealignError(
                f"torch fixed axis {fixed} of {value.name} while it exported {name}: {shape}",
                "report the model's family; the run and its adapter are unharmed",
            )


def _rank(value: Any) -> int:
    return value.ndim if isinstance(value, Tensor) else 0


def _nameless(model: ir.Model, name: str) -> None:
    """Leave out where and how it was traced: paths of this machine, and text that changes from run to run."""
    model.graph.name, model.graph.doc_string, model.doc_string = name, None, None
    model.producer_name, model.producer_version = PRODUCER, None
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
            value.doc_string = None
    for value in [*model.graph.inputs, *model.graph.initializers.values()]:
        value.metadata_props.clear()
        value.doc_string = None
