"""Nodes and weights put on a tape: what the layers of our own decoder graph are written with."""

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape
from torch import Tensor

from realign_edge.export.graphs.decoder.architecture import Linear, Norm
from realign_edge.export.graphs.onnxfile import MICROSOFT


class Writer:
    """Methods return values of the graph."""

    def __init__(self) -> None:
        self.tape = Tape()

    def norm(self, states: ir.Value, norm: Norm, name: str) -> ir.Value:
        """x / sqrt(mean(x^2) + epsilon) * weight."""
        weight = self.weight(f"{name}.weight", norm.weight)
        return self.op("SimplifiedLayerNormalization", states, weight, axis=-1, epsilon=norm.epsilon, stash_type=1)

    def skip(self, states: ir.Value, residual: ir.Value, norm: Norm, name: str) -> tuple[ir.Value, ir.Value]:
        """norm(states + residual), states + residual."""
        hidden, _, _, added = self.tape.op_multi_out(
            "SkipSimplifiedLayerNormalization",
            [states, residual, self.weight(f"{name}.weight", norm.weight)],
            num_outputs=4,
            domain=MICROSOFT,
            attributes={"epsilon": norm.epsilon},
        )
        return hidden, added

    def linear(self, states: ir.Value, linear: Linear, name: str) -> ir.Value:
        """x W + b."""
        product = self.op("MatMul", states, self.weight(f"{name}.weight", linear.weight.T))
        return product if linear.bias is None else self.op("Add", product, self.weight(f"{name}.bias", linear.bias))

    def op(self, kind: str, *inputs: ir.Value, domain: str = "", **attributes: Any) -> ir.Value:
        """One operator with one result."""
        return self.tape.op(kind, list(inputs), attributes=attributes or None, domain=domain)

    def weight(self, name: str, values: Tensor) -> ir.Value:
        """Copied into the order of the file only when it is written, so that a large model is not in memory twice."""

        def ordered() -> ir.TensorProtocol:
            return ir.tensor(np.ascontiguousarray(values.cpu().numpy()), name=name)

        lazy = ir.LazyTensor(ordered, dtype=ir.DataType.FLOAT, shape=ir.Shape(tuple(values.shape)), name=name)
        return self.tape.initializer(lazy, name)

    def constant(self, name: str, value: Any) -> ir.Value:
        """The same value under the same name is there once."""
        for known in self.tape.initializers:
            if known.name == name:
                return known
        return self.tape.initializer(ir.tensor(np.asarray(value), name=name), name)


def joined(*parts: Linear) -> Linear:
    """Several linear layers of the same input as one."""
    import torch

    biases = [part.bias if part.bias is not None else torch.zeros(len(part.weight)) for part in parts]
    bias = torch.cat(biases) if any(part.bias is not None for part in parts) else None
    return Linear(torch.cat([part.weight for part in parts]), bias)
