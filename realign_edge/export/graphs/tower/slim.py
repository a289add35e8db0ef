"""A traced tower with less to do and the same outputs: what torch writes down and a station need not run."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass
from onnx_ir.tape import Tape

from realign_edge.export.graphs.tower.first_row import only_first_row


def slimmed(model: ir.Model) -> ir.Model:
    """The same model, changed in place; its last output is the vector that photos are found by."""
    _drop_reshapes(model)
    only_first_row(model, model.graph.outputs[-1])
    RemoveUnusedNodesPass()(model)
    return model


def _drop_reshapes(model: ir.Model) -> None:
    """Heads split apart and put together again around attention, which splits them itself."""
    for node in list(model.graph):
        if node.op_type != "Reshape" or node.outputs[0].is_graph_output():
            continue
        source = node.inputs[0]
        while source is not None and (before := source.producer()) is not None and before.op_type == "Reshape":
            source = before.inputs[0]
        for found in (source, node.inputs[0]):
            if found is not None and _same_shape(found, node.outputs[0]):
                ir.convenience.replace_all_uses_with(node.outputs[0], found)
                break
    RemoveUnusedNodesPass()(model)


def _same_shape(a: ir.Value, b: ir.Value) -> bool:
    """Are both of one known shape, but for a first axis that both leave open?"""
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return False
    return all(isinstance(n, int) and n == m for n, m in list(zip(a.shape, b.shape, strict=True))[1:])


def patches_as_product(model: ir.Model) -> None:
    """The convolution that cuts a photo into patches as a product of matrices, which can be had in fewer bits."""
    for conv in [node for node in model.graph if node.op_type == "Conv"]:
        end = _flattened(conv)
        if end is not None and _cuts_patches(conv):
            _replace_patches(model, conv, end)
    RemoveUnusedNodesPass()(model)


def _flattened(conv: ir.Node) -> ir.Node | None:
    """The transposition behind a convolution's Reshape, (n, out, H, W) -> (n, H W, out); None where there is none."""
    node = conv
    for wanted in ("Reshape", "Transpose"):
        users = [use.node for use in node.outputs[0].uses()]
        if len(users) != 1 or users[0].op_type != wanted:
            return None
        node = users[0]
    return node if list(node.attributes.get_ints("perm", [])) == [0, 2, 1] else None


def _cuts_patches(conv: ir.Node) -> bool:
    """Does it look at every pixel once, in squares without a rest, with known sizes and weights?"""
    pixels, weight = conv.inputs[0], conv.inputs[1]
    if pixels is None or pixels.shape is None or weight is None or weight.const_value is None:
        return False
    size, kernel = _known(list(pixels.shape)[2:]), _known(list(weight.const_value.shape)[2:])
    strides = list(conv.attributes.get_ints("strides", []))
    pads = list(conv.attributes.get_ints("pads", []))
    whole = len(size) == len(kernel) == 2 and all(n % k == 0 for n, k in zip(size, kernel, strict=True))
    return whole and strides == kernel and not any(pads) and conv.attributes.get_int("group", 1) == 1


def _known(sizes: Sequence[object]) -> list[int]:
    return [n for n in sizes if isinstance(n, int)]


def _replace_patches(model: ir.Model, conv: ir.Node, end: ir.Node) -> None:
    pixels, weight = conv.inputs[0], conv.inputs[1]
    assert pixels is not None and pixels.shape is not None and weight is not None and weight.const_value is not None
    kernels = weight.const_value.numpy()
    outer, channels, high, wide = kernels.shape
    rows, columns = (n // k for n, k in zip(_known(list(pixels.shape)[2:]), (high, wide), strict=True))
    tape, name = Tape(), str(weight.name)
    split = tape.op("Reshape", [pixels, _ints(tape, f"{name}_split", (0, channels, rows, high, columns, wide))])
    ordered = tape.op("Transpose", [split], {"perm": [0, 2, 4, 1, 3, 5]})
    flat = tape.op("Reshape", [ordered, _ints(tape, f"{name}_flat", (0, rows * columns, channels * high * wide))])
    matrix = np.ascontiguousarray(kernels.reshape(outer, -1).T)
    found = tape.op("MatMul", [flat, tape.initializer(ir.tensor(matrix, name=f"{name}_rows"), f"{name}_rows")])
    if len(conv.inputs) > 2 and conv.inputs[2] is not None:
        found = tape.op("Add", [found, conv.inputs[2]])
    old = end.outputs[0]
    found.shape, found.type, label = old.shape, old.type, old.name
    for value in tape.initializers:
        model.graph.initializers.add(value)
    ir.convenience.replace_nodes_and_values(model.graph, end, [end], tape.nodes, [old], [found])
    found.name = label


def _ints(tape: Tape, name: str, values: Sequence[int]) -> ir.Value:
    return tape.initializer(ir.tensor(np.array(values, np.int64), name=name), name)
