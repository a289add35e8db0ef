"""Positions on three axes in our own decoder graph: each pair of a head's values is turned by one of the axes.

The rows of cosines and sines that a pass needs are looked up once, in the tables of the model's own rotary module, and
shared by all layers. GroupQueryAttention, which knows one axis, is then told to turn nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from realign_edge.export.graphs.onnxfile import MICROSOFT

Op = Callable[..., ir.Value]


class Turn(NamedTuple):
    """cosine, sine: (batch * length, head / 2); rows: (batch, length) int64, which of them is whose."""

    cosine: ir.Value
    sine: ir.Value
    rows: ir.Value


def turn_of(op: Op, constant: Op, axes: tuple[int, ...], tables: tuple[ir.Value, ir.Value], at: ir.Value) -> Turn:
    """op, constant: of the graph's writer; axes: of each pair; at: position ids (axes, batch, length)."""
    flat, one = constant("flat", np.array([-1], np.int64)), constant("one", np.int64(1))
    # (pairs, batch, length), then a row for each token.
    chosen = op("Gather", at, constant("axes_of_pairs", np.array(axes, np.int64)), axis=0)
    wide = constant("by_pair", np.array([-1, len(axes)], np.int64))
    index = op("Reshape", op("Transpose", chosen, perm=[1, 2, 0]), wide)
    cosine, sine = (op("GatherElements", table, index, axis=0) for table in tables)
    sizes = op("Shape", at, start=1)
    count = op("Squeeze", op("Gather", op("Shape", index), constant("first", np.array([0], np.int64))), constant(
        "axis_of_one", np.array([0], np.int64)))  # fmt: skip
    rows = op("Range", constant("zero", np.int64(0)), count, one)
    return Turn(cosine, sine, op("Reshape", op("Reshape", rows, flat), sizes))


def turned(op: Op, turn: Turn, states: ir.Value) -> ir.Value:
    """Queries or keys (batch, length, heads * head)."""
    return op("RotaryEmbedding", states, turn.rows, turn.cosine, turn.sine, domain=MICROSOFT, interleaved=0)
