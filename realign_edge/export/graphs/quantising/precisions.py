"""A float graph with its matrices in fewer bits. Only products with constant matrices change."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.tape import Tape

from realign_edge.bundle.contract import Precision
from realign_edge.export.graphs.onnxfile import MICROSOFT
from realign_edge.export.graphs.quantising.blocks import BLOCK, Floats, eight_bits, four_bits
from realign_edge.export.graphs.tower.slim import patches_as_product

# Activations are rounded to 8 bits inside MatMulNBits: without it the CPU kernel is no faster than float32.
_ACCURACY = 4


class _Product(NamedTuple):
    """states (..., in) times weight (in, out), and a bias (out,) where one is added; nodes: that compute it."""

    states: ir.Value | None
    weight: Floats
    bias: ir.Value | None
    name: str
    nodes: tuple[ir.Node, ...]


def quantized(model: ir.Model, precision: Precision) -> ir.Model:
    """The same model, changed in place; "fp32" leaves it as it is.

    int8: DynamicQuantizeMatMul, weights by column, activations by tensor when it runs: quick for many tokens. What
    several products read (queries, keys and values do) is rounded once, which gives the same numbers.
    int4: MatMulNBits in blocks of 32: quick for one token, whose time is the reading of weights.
    """
    write = _WRITERS.get(precision)
    if write is None:
        return model
    if precision == "int8":
        patches_as_product(model)
    for node in list(model.graph):
        product = _product(node)
        if product is not None:
            tape = Tape()
            _replace(model, product, tape, write(tape, product))
    _drop_unused(model)
    # What several products share stands where the first of them ended.
    model.graph.sort()
    model.graph.opset_imports.setdefault(MICROSOFT, 1)
    return model


def _product(node: ir.Node) -> _Product | None:
    matrix = node.inputs[1] if node.op_type in ("MatMul", "Gemm") else None
    if matrix is None or matrix.const_value is None or len(matrix.const_value.shape) != 2:
        return None
    if node.op_type == "Gemm":
        return _gemm(node, matrix)
    weight, added = np.asarray(matrix.const_value.numpy(), np.float32), _added(node)
    if added is None:
        return _Product(node.inputs[0], weight, None, str(matrix.name), (node,))
    bias = next(value for value in added.inputs if value is not node.outputs[0])
    return _Product(node.inputs[0], weight, bias, str(matrix.name), (node, added))


def _gemm(node: ir.Node, matrix: ir.Value) -> _Product | None:
    """The same in one operator, as torch writes a linear layer of a plain matrix."""
    given = {name: attribute.value for name, attribute in node.attributes.items()}
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    plain = given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0 and not given.get("transA", 0)
    if not plain or (bias is not None and (bias.shape is None or len(bias.shape) != 1)):
        return None
    assert matrix.const_value is not None
    weight = np.asarray(matrix.const_value.numpy(), np.float32)
    weight = np.ascontiguousarray(weight.T) if given.get("transB", 0) else weight
    return _Product(node.inputs[0], weight, bias, str(matrix.name), (node,))


def _added(node: ir.Node) -> ir.Node | None:
    """The node that adds a constant row to a product which nobody else reads."""
    users = [use.node for use in node.outputs[0].uses()]
    if len(users) != 1 or users[0].op_type != "Add" or node.outputs[0].is_graph_output():
        return None
    other = [value for value in users[0].inputs if value is not node.outputs[0]]
    constant = other[0].const_value if other and other[0] is not None else None
    return users[0] if constant is not None and len(constant.shape) == 1 else None


def _eight(tape: Tape, product: _Product) -> ir.Value:
    bits, name = eight_bits(product.weight), product.name
    levels, scales = _weight(tape, f"{name}_q8", bits.levels), _weight(tape, f"{name}_scale", bits.scales)
    bias = [None, product.bias] if product.bias is not None else []
    rounded = _rounded(tape, product)
    if rounded is None:
        return tape.op("DynamicQuantizeMatMul", [product.states, levels, scales, *bias], domain=MICROSOFT)
    states, scale, zero = rounded
    inputs = [states, levels, scale, scales, zero, *bias]
    return tape.op("MatMulIntegerToFloat", inputs, domain=MICROSOFT)


def _rounded(tape: Tape, product: _Product) -> Sequence[ir.Value] | None:
    """Levels, scale and zero of states that several products read: rounded once for all; None for one alone."""
    assert product.states is not None
    readers = [use.node for use in product.states.uses() if use.node is not product.nodes[0]]
    if found := next((node for node in readers if node.op_type == "DynamicQuantizeLinear"), None):
        return found.outputs
    if not any(_product(node) for node in readers):
        return None
    return tape.op_multi_out("DynamicQuantizeLinear", [product.states], num_outputs=3)


def _four(tape: Tape, product: _Product) -> ir.Value:
    bits, name = four_bits(np.ascontiguousarray(product.weight.T)), product.name
    weights = [_weight(tape, f"{name}_q4", bits.packed), _weight(tape, f"{name}_scales", bits.scales)]
    bias = [None, None, product.bias] if product.bias is not None else []
    inner, outer = product.weight.shape
    attributes = {"K": inner, "N": outer, "bits": 4, "block_size": BLOCK, "accuracy_level": _ACCURACY}
    return tape.op("MatMulNBits", [product.states, *weights, *bias], attributes, domain=MICROSOFT)


_WRITERS: Mapping[Precision, Callable[[Tape, _Product], ir.Value]] = {"int8": _eight, "int4": _four}


def _weight(tape: Tape, name: str, value: NDArray[np.generic]) -> ir.Value:
    return tape.initializer(ir.tensor(value, name=name), name)


def _replace(model: ir.Model, product: _Product, tape: Tape, new: ir.Value) -> None:
    last = product.nodes[-1]
    old, name = last.outputs[0], last.outputs[0].name
    new.shape, new.type = old.shape, old.type
    for weight in tape.initializers:
        model.graph.initializers.add(weight)
    ir.convenience.replace_nodes_and_values(model.graph, last, product.nodes[::-1], tape.nodes, [old], [new])
    new.name = name


def _drop_unused(model: ir.Model) -> None:
    for name, value in list(model.graph.initializers.items()):
        if not value.uses() and not value.is_graph_output():
            del model.graph.initializers[name]
