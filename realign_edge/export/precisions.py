"""A float graph with its matrices in fewer bits. Only products with constant matrices change."""

from collections.abc import Callable, Mapping

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from realign_edge.bundle.contract import Precision
from realign_edge.export.blocks import BLOCK, eight_bits, four_bits
from realign_edge.export.model import MICROSOFT

# Activations are rounded to 8 bits inside MatMulNBits: without it the CPU kernel is no faster than float32.
_ACCURACY = 4


def quantized(model: ir.Model, precision: Precision) -> ir.Model:
    """The same model, changed in place; "fp32" leaves it as it is.

    int8: DynamicQuantizeMatMul, weights by column, activations by tensor when it runs: quick for many tokens.
    int4: MatMulNBits in blocks of 32: quick for one token, whose time is the reading of weights.
    """
    write = _WRITERS.get(precision)
    if write is None:
        return model
    for node in list(model.graph):
        matrix = node.inputs[1] if node.op_type == "MatMul" and len(node.inputs) == 2 else None
        if matrix is not None and matrix.const_value is not None and len(matrix.const_value.shape) == 2:
            write(model, node, np.asarray(matrix.const_value.numpy(), np.float32))
    _drop_unused(model)
    model.graph.opset_imports.setdefault(MICROSOFT, 1)
    return model


def _eight(model: ir.Model, node: ir.Node, weight: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> None:
    tape, name, bits = Tape(), _name(node), eight_bits(weight)
    inputs = [node.inputs[0], _weight(tape, f"{name}_q8", bits.levels), _weight(tape, f"{name}_scale", bits.scales)]
    _replace(model, node, tape, tape.op("DynamicQuantizeMatMul", inputs, domain=MICROSOFT))


def _four(model: ir.Model, node: ir.Node, weight: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> None:
    tape, name, bits = Tape(), _name(node), four_bits(np.ascontiguousarray(weight.T))
    inputs = [node.inputs[0], _weight(tape, f"{name}_q4", bits.packed), _weight(tape, f"{name}_scales", bits.scales)]
    attributes = {
        "K": weight.shape[0], "N": weight.shape[1], "bits": 4, "block_size": BLOCK, "accuracy_level": _ACCURACY,
    }  # fmt: skip
    _replace(model, node, tape, tape.op("MatMulNBits", inputs, attributes, domain=MICROSOFT))


_Write = Callable[[ir.Model, ir.Node, "np.ndarray[tuple[int, int], np.dtype[np.float32]]"], None]
_WRITERS: Mapping[Precision, _Write] = {"int8": _eight, "int4": _four}


def _name(node: ir.Node) -> str:
    weight = node.inputs[1]
    return str(weight.name if weight is not None else node.name)


def _weight(tape: Tape, name: str, value: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> ir.Value:
    return tape.initializer(ir.tensor(value, name=name), name)


def _replace(model: ir.Model, node: ir.Node, tape: Tape, product: ir.Value) -> None:
    old = node.outputs[0]
    product.shape, product.type = old.shape, old.type
    for weight in tape.initializers:
        model.graph.initializers.add(weight)
    name = old.name
    ir.convenience.replace_nodes_and_values(model.graph, node, [node], tape.nodes, [old], [product])
    product.name = name


def _drop_unused(model: ir.Model) -> None:
    for name, value in list(model.graph.initializers.items()):
        if not value.uses() and not value.is_graph_output():
            del model.graph.initializers[name]
