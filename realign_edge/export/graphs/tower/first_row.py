"""The vector of a photo is often the class token's: one row of the tower's last states.

Where a model's features come from an earlier layer (LLaVA takes the last but one), the last one is run for that row
alone. It still attends to all rows, so their keys and values are needed, but nothing else of them is.
"""

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir

from realign_edge.export.graphs.onnxfile import MICROSOFT

_ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div", "Sigmoid", "Tanh", "Erf", "Gelu", "LayerNormalization"})
_SHARED = ("row.start", "row.end", "row.axis")


def only_first_row(model: ir.Model, output: ir.Value) -> None:
    """Leave out what no output needs, if `output` is the first row of (n, rows, width) states; else change nothing."""
    gather = output.producer()
    if gather is None or gather.op_type != "Gather" or not _takes_first(gather):
        return
    states = gather.inputs[0]
    assert states is not None
    whole = _sources(value for value in model.graph.outputs if value is not output)
    # A layer that is run for one row needs all rows of the one before it.
    while (more := _followed(states, whole)[1]) != whole:
        whole = more
    again = _followed(states, whole)[0]
    if again:
        _Row(model, again, gather).write(states)


def _takes_first(gather: ir.Node) -> bool:
    index = gather.inputs[1]
    constant = index.const_value if index is not None else None
    states = gather.inputs[0]
    return (
        gather.attributes.get_int("axis", 0) == 1 and constant is not None and constant.numpy().tolist() == 0
        and states is not None and states.shape is not None and len(states.shape) == 3
    )  # fmt: skip


def _sources(values: Iterable[ir.Value | None]) -> frozenset[ir.Value]:
    """The values, and all that they are made from."""
    found: set[ir.Value] = set()
    queue = [v for v in values if v is not None]
    while queue:
        value = queue.pop()
        if value not in found:
            found.add(value)
            producer = value.producer()
            queue += [v for v in producer.inputs if v is not None] if producer is not None else []
    return frozenset(found)


def _followed(states: ir.Value, whole: frozenset[ir.Value]) -> tuple[set[ir.Node], frozenset[ir.Value]]:
    """The nodes of which one row is enough, going back from `states`; and what is needed whole, with theirs."""
    nodes: set[ir.Node] = set()
    queue = [states]
    while queue:
        value = queue.pop()
        node = value.producer()
        if node is None or node in nodes or value in whole or not _row_by_row(node):
            continue
        nodes.add(node)
        if node.op_type == "MultiHeadAttention":
            whole |= _sources(node.inputs[1:])
        queue += _in_rows(node)
    return nodes, whole


def _row_by_row(node: ir.Node) -> bool:
    """Does a row of its output depend on the same row of each of `_in_rows` alone?"""
    if any(v.shape is None or len(v.shape) != 3 for v in (*_in_rows(node), node.outputs[0])) or len(node.outputs) != 1:
        return False
    if node.op_type == "MultiHeadAttention":
        return node.domain == MICROSOFT and len(node.inputs) == 3
    if node.op_type == "MatMul":
        return node.inputs[1] is not None and _constant(node.inputs[1], 2)
    if node.op_type == "LayerNormalization" and node.attributes.get_int("axis", -1) not in (-1, 2):
        return False
    return node.op_type in _ELEMENTWISE and all(_constant(v, 1) for v in node.inputs if v is not None and _fixed(v))


def _in_rows(node: ir.Node) -> list[ir.Value]:
    """The inputs that have rows; attention looks at all rows of its keys and values."""
    given = node.inputs[:1] if node.op_type in ("MultiHeadAttention", "MatMul") else node.inputs
    return [v for v in given if v is not None and not _fixed(v)]


def _fixed(value: ir.Value) -> bool:
    return value.const_value is not None


def _constant(value: ir.Value, rank: int) -> bool:
    """Has it at most `rank` axes, and so the same for every row?"""
    return value.const_value is not None and len(value.const_value.shape) <= rank


class _Row:
    """Nodes written once more, for the first row."""

    def __init__(self, model: ir.Model, nodes: set[ir.Node], gather: ir.Node) -> None:
        self._graph, self._nodes, self._gather = model.graph, nodes, gather
        self._rows: dict[ir.Value, ir.Value] = {}
        self._bounds = [self._ints(n, v) for n, v in zip(_SHARED, (0, 1, 1), strict=True)]

    def write(self, states: ir.Value) -> None:
        """In the order of the graph, so that every input is there."""
        for node in list(self._graph):
            if node in self._nodes:
                rowed = _in_rows(node)
                inputs = [self._row(v) if v is not None and v in rowed and not _fixed(v) else v for v in node.inputs]
                if node.op_type == "MultiHeadAttention":
                    inputs[1:] = node.inputs[1:]
                self._add(node.outputs[0], node.op_type, inputs, node.domain, list(node.attributes.values()))
        self._gather.replace_input_with(0, self._rows[states])

    def _row(self, value: ir.Value) -> ir.Value:
        """The first row of a value: as it was written, or cut out of what is there whole."""
        if value not in self._rows:
            self._add(value, "Slice", [value, *self._bounds], "", [])
        return self._rows[value]

    def _add(
        self, whole: ir.Value, kind: str, inputs: list[ir.Value | None], domain: str, attributes: list[ir.Attr]
    ) -> None:
        assert whole.shape is not None
        shape = ir.Shape([whole.shape[0], 1, whole.shape[2]])
        row = ir.Value(name=f"{whole.name}.row", shape=shape, type=whole.type)
        self._graph.insert_before(self._gather, ir.Node(domain, kind, inputs, attributes=attributes, outputs=[row]))
        self._rows[whole] = row

    def _ints(self, name: str, number: int) -> ir.Value:
        value = ir.Value(name=name, const_value=ir.tensor(np.array([number], np.int64), name=name))
        self._graph.initializers.add(value)
        return value
