"""The embedding table as a graph: token ids to input embeddings, in three precisions."""

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from realign_edge.bundle.contract import Precision
from realign_edge.export.graphs.onnxfile import IR_VERSION, MICROSOFT, OPSET, PRODUCER
from realign_edge.export.graphs.quantising.blocks import BLOCK, four_bits


def embed_graph(table: Any, precision: Precision = "fp32") -> ir.Model:
    """input_ids (batch, length) int64 -> inputs_embeds (batch, length, hidden); table: (vocabulary, hidden) float32.

    int8: a scale a row; int4: a scale for every block of 32 values of a row.
    """
    tape, ids = Tape(), ir.Value(name="input_ids", type=ir.TensorType(ir.DataType.INT64))
    ids.shape = ir.Shape(["batch_size", "length"])
    rows = _WRITERS[precision](tape, ids, np.ascontiguousarray(table, np.float32))
    rows.name, rows.type = "inputs_embeds", ir.TensorType(ir.DataType.FLOAT)
    rows.shape = ir.Shape(["batch_size", "length", table.shape[1]])
    graph = ir.Graph(
        [ids], [rows], nodes=tape.nodes, initializers=tape.initializers, name="embed_tokens",
        opset_imports={"": OPSET} | ({MICROSOFT: 1} if precision == "int4" else {}),
    )  # fmt: skip
    return ir.Model(graph, ir_version=IR_VERSION, producer_name=PRODUCER)


def _plain(tape: Tape, ids: ir.Value, table: Any) -> ir.Value:
    return tape.op("Gather", [_weight(tape, "embed_tokens.weight", table), ids])


def _eight(tape: Tape, ids: ir.Value, table: Any) -> ir.Value:
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12).astype(np.float32) / np.float32(127)
    levels = np.rint(table / scale).astype(np.int8)
    found = tape.op("Gather", [_weight(tape, "embed_tokens.weight_q", levels), ids])
    scales = tape.op("Gather", [_weight(tape, "embed_tokens.scale", scale), ids])
    return tape.op("Mul", [tape.op("Cast", [found], {"to": int(ir.DataType.FLOAT)}), scales])


def _four(tape: Tape, ids: ir.Value, table: Any) -> ir.Value:
    blocks = four_bits(table)
    weight = _weight(tape, "embed_tokens.weight_q4", blocks.packed.reshape(len(table), -1))
    scales = _weight(tape, "embed_tokens.scales", blocks.scales)
    attributes = {"bits": 4, "block_size": BLOCK, "gather_axis": 0, "quantize_axis": 1}
    return tape.op("GatherBlockQuantized", [weight, ids, scales], attributes, domain=MICROSOFT)


def _weight(tape: Tape, name: str, value: Any) -> ir.Value:
    return tape.initializer(ir.tensor(value, name=name), name)


_WRITERS = {"fp32": _plain, "int8": _eight, "int4": _four}
