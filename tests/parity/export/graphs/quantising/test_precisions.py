"""Fewer bits: graphs that run, whose error is that of the rounding and no more."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import torch
from onnx_ir.tape import Tape

from realign_edge.export.graphs.decoder.architecture import decoder_of
from realign_edge.export.graphs.decoder.decoder import decoder_graph
from realign_edge.export.graphs.embed import embed_graph
from realign_edge.export.graphs.onnxfile import save_model
from realign_edge.export.graphs.quantising.blocks import BLOCK, LEVELS, eight_bits, four_bits
from realign_edge.export.graphs.quantising.precisions import quantized
from tests.parity.export.decoders import CONTEXT, VOCABULARY, amplified, qwen2
from tests.parity.export.running import Runner, session

RNG = np.random.default_rng(0)


def values(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def in_four(rows: Any) -> Any:
    """The rows as they are after rounding to 4 bits, undone by hand; also of a width that no block divides."""
    bits = four_bits(rows)
    levels = np.stack([bits.packed & 15, bits.packed >> 4], -1).reshape(len(rows), -1, BLOCK).astype(np.float32) - 8
    return (levels * bits.scales[..., None]).reshape(len(rows), -1)[:, : rows.shape[1]]


def product(weight: Any, bias: Any, path: Path, precision: Any) -> Any:
    """A session of x W + b."""
    tape, x = Tape(), ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["n", len(weight)]))
    w, b = (tape.initializer(ir.tensor(v, name=n), n) for n, v in (("w", weight), ("b", bias)))
    y = tape.op("Add", [tape.op("MatMul", [x, w]), b])
    y.name, y.type = "y", ir.TensorType(ir.DataType.FLOAT)
    graph = ir.Graph([x], [y], nodes=tape.nodes, initializers=tape.initializers, opset_imports={"": 18})
    model = quantized(ir.Model(graph, ir_version=10), precision)
    assert len(model.graph) == 1, "the bias is part of the product"
    save_model(model, path)
    return session(path)


def test_four_bits_err_less_than_onnxruntimes_own() -> None:
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, DefaultWeightOnlyQuantizer

    rows = values(300, 256)
    rows[7, 32:64] = 0
    config = DefaultWeightOnlyQuantConfig(block_size=BLOCK, is_symmetric=True, bits=4)
    packed, scales, _ = DefaultWeightOnlyQuantizer(config).qbits_block_quant(np.ascontiguousarray(rows.T))
    levels = np.stack([packed & 15, packed >> 4], -1).reshape(300, -1, BLOCK).astype(np.float32) - 8
    theirs = (levels * scales.reshape(300, -1, 1)).reshape(300, -1)
    assert np.square(in_four(rows) - rows).mean() < 0.94 * np.square(theirs - rows).mean()
    assert (in_four(rows)[7, 32:64] == 0).all()


@pytest.mark.parametrize("width", [64, 70])
def test_a_product_in_four_bits_is_that_of_the_rounded_weights(tmp_path: Path, width: int) -> None:
    weight, bias, x = values(width, 48), values(48), values(5, width)
    found = product(weight, bias, tmp_path / "p.onnx", "int4").run(None, {"x": x})[0]
    wanted = x @ in_four(np.ascontiguousarray(weight.T)).T + bias
    # Activations are rounded to 8 bits as well.
    assert np.abs(found - wanted).max() < 0.03 * np.abs(wanted).max()
    assert np.abs(in_four(weight.T) - weight.T).max() <= np.abs(weight).max() / 8 + 1e-6


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_a_product_in_one_operator_is_rounded_alike(tmp_path: Path, precision: Any) -> None:
    """As torch writes a linear layer of a plain matrix."""
    weight, bias, x = values(64, 48), values(48), values(5, 64)
    tape, given = Tape(), ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["n", 64]))
    turned = np.ascontiguousarray(weight.T)
    w, b = (tape.initializer(ir.tensor(v, name=n), n) for n, v in (("w", turned), ("b", bias)))
    y = tape.op("Gemm", [given, w, b], {"transB": 1, "alpha": 1.0, "beta": 1.0})
    y.name, y.type = "y", ir.TensorType(ir.DataType.FLOAT)
    graph = ir.Graph([given], [y], nodes=tape.nodes, initializers=tape.initializers, opset_imports={"": 18})
    model = quantized(ir.Model(graph, ir_version=10), precision)
    assert [node.op_type for node in model.graph] != ["Gemm"]
    save_model(model, tmp_path / "gemm.onnx")
    found = session(tmp_path / "gemm.onnx").run(None, {"x": x})[0]
    assert np.array_equal(found, product(weight, bias, tmp_path / "p.onnx", precision).run(None, {"x": x})[0])


def test_a_product_in_eight_bits_never_overflows(tmp_path: Path) -> None:
    """Every activation and weight as large as can be: pairs of products are summed in 16 bits where VNNI lacks."""
    weight, bias = np.ones((256, 8), np.float32), values(8)
    found = product(weight, bias, tmp_path / "p.onnx", "int8").run(None, {"x": np.ones((3, 256), np.float32)})[0]
    assert np.abs(found - (256 + bias)).max() < 1
    assert np.abs(eight_bits(values(64, 9)).levels).max() == LEVELS


@pytest.mark.parametrize(("precision", "bound"), [("fp32", 0.0), ("int8", 0.5 / 127), ("int4", 1 / 8)])
def test_embeddings(tmp_path: Path, precision: Any, bound: float) -> None:
    table, ids = values(50, 64), RNG.integers(0, 50, (2, 9))
    save_model(embed_graph(table, precision), tmp_path / "e.onnx")
    found = session(tmp_path / "e.onnx").run(None, {"input_ids": ids})[0]
    assert found.shape == (2, 9, 64)
    # Of the row's largest value.
    assert (np.abs(found - table[ids]).max(-1) <= bound * np.abs(table[ids]).max(-1) + 1e-6).all()


@pytest.mark.parametrize(("precision", "bound", "smaller"), [("int8", 0.2, 3), ("int4", 0.6, 4)])
def test_decoders(tmp_path: Path, precision: Any, bound: float, smaller: int) -> None:
    torch.set_num_threads(1)
    model = amplified(qwen2())
    decoder = decoder_of(model.model, model.lm_head, CONTEXT)
    save_model(decoder_graph(decoder), tmp_path / "fp32")
    save_model(quantized(decoder_graph(decoder), precision), tmp_path / precision)
    ids = RNG.integers(0, VOCABULARY, (1, 40))
    states = model.get_input_embeddings().weight[torch.as_tensor(ids)].numpy()
    exact, _ = Runner(tmp_path / "fp32").run(states)
    found, _ = Runner(tmp_path / precision).run(states)
    # Random weights of this size pass rounding on, enlarged, from layer to layer; unrelated logits differ by 1.4.
    error = np.sqrt(np.square(found - exact).mean()) / exact.std()
    assert 1e-4 < error < bound
    large = (tmp_path / "fp32").stat().st_size - 2 * decoder.cosine.numel() * 4
    assert (tmp_path / precision).stat().st_size - 2 * decoder.cosine.numel() * 4 < large / smaller


def test_large_weights_lie_beside_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realign_edge.export.graphs.onnxfile.EXTERNAL_FROM", 1)
    table = values(50, 64)
    written = save_model(embed_graph(table), tmp_path / "embed_tokens.onnx")
    assert [path.name for path in written] == ["embed_tokens.onnx", "embed_tokens.onnx_data"]
    assert (session(written[0]).run(None, {"input_ids": np.array([[3]])})[0][0, 0] == table[3]).all()
