"""What is left out of a traced tower changes nothing that comes out of it."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import torch
from onnx_ir.tape import Tape

from realign_edge.export.graphs.onnxfile import save_model
from realign_edge.export.graphs.quantising.precisions import quantized
from realign_edge.export.graphs.tower.first_row import only_first_row
from realign_edge.export.graphs.tower.slim import patches_as_product
from realign_edge.export.graphs.tower.vision import Vision, vision_graph
from realign_edge.vlm.load import load_vlm
from tests.parity.export.running import session
from tests.parity.families.recipes import FIRST

RNG = np.random.default_rng(0)
# The order of sums differs, of values of order 1.
TOLERANCE = 2e-6


def values(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ir.Model]:
    """CLIP of two layers whose features come from the first: the second is there for the photo's vector."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("model")
    FIRST["llava_next"](folder)
    vlm = load_vlm(str(folder))
    return vlm, vision_graph(vlm, "cls", torch.zeros(2, 3, 32, 32))


def kinds(model: ir.Model) -> Counter[str]:
    return Counter(node.op_type for node in model.graph)


def rows(model: ir.Model, kind: str) -> list[Any]:
    """How many rows each node of a kind makes."""
    return [node.outputs[0].shape[1] for node in model.graph if node.op_type == kind and node.outputs[0].shape]


def test_the_last_layer_is_run_for_the_class_token_alone(tower: Any, tmp_path: Path) -> None:
    vlm, model = tower
    assert rows(model, "MultiHeadAttention") == [17, 1]
    # Keys and values of the last layer are still made for all.
    assert Counter(rows(model, "MatMul"))[1] == 4
    save_model(model, tmp_path / "v.onnx")
    pixels = values(3, 3, 32, 32)
    with torch.no_grad():
        wanted = Vision(vlm, "cls")(torch.from_numpy(pixels))
    found = session(tmp_path / "v.onnx").run(None, {"pixel_values": pixels})
    for ours, theirs in zip(found, wanted, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-5 * np.abs(theirs.numpy()).max()


def test_heads_are_not_split_and_joined_around_attention(tower: Any) -> None:
    # What is left belongs to the patches.
    assert kinds(tower[1])["Reshape"] == 1


def test_a_mean_over_all_rows_needs_all_rows(tower: Any) -> None:
    model = vision_graph(tower[0], "mean", torch.zeros(2, 3, 32, 32))
    assert rows(model, "MultiHeadAttention") == [17, 17]


def value(name: str, *shape: Any) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(shape))


def written(tape: Tape, inputs: list[ir.Value], outputs: list[ir.Value]) -> ir.Model:
    for number, output in enumerate(outputs):
        output.name, output.type = f"out{number}", ir.TensorType(ir.DataType.FLOAT)
    graph = ir.Graph(inputs, outputs, nodes=tape.nodes, initializers=tape.initializers, opset_imports={"": 18})
    return ir.Model(graph, ir_version=10)


def constant(tape: Tape, name: str, array: Any) -> ir.Value:
    return tape.initializer(ir.tensor(array, name=name), name)


def test_states_that_are_an_output_themselves_stay_whole() -> None:
    tape, x = Tape(), value("x", "n", 4, 6)
    states = tape.op("MatMul", [x, constant(tape, "w", values(6, 6))])
    states.shape = ir.Shape(["n", 4, 6])
    first = tape.op("Gather", [states, constant(tape, "zero", np.array(0, np.int64))], {"axis": 1})
    model = written(tape, [x], [states, first])
    only_first_row(model, first)
    assert kinds(model) == {"MatMul": 1, "Gather": 1}


def patches(stride: int, bias: bool) -> ir.Model:
    """A convolution of 4 x 4 pixels, as towers begin."""
    tape, x = Tape(), value("x", "n", 3, 16, 8)
    weight = [constant(tape, "w", values(5, 3, 4, 4)), *([constant(tape, "b", values(5))] if bias else [])]
    places = ((16 - 4) // stride + 1) * ((8 - 4) // stride + 1)
    seen = tape.op("Conv", [x, *weight], {"kernel_shape": [4, 4], "strides": [stride, stride], "pads": [0] * 4})
    flat = tape.op("Reshape", [seen, constant(tape, "shape", np.array([-1, 5, places], np.int64))])
    return written(tape, [x], [tape.op("Transpose", [flat], {"perm": [0, 2, 1]})])


@pytest.mark.parametrize("bias", [True, False])
def test_patches_are_a_product_of_matrices(tmp_path: Path, bias: bool) -> None:
    model, pixels = patches(4, bias), values(2, 3, 16, 8)
    save_model(model, tmp_path / "conv.onnx")
    patches_as_product(model)
    assert "Conv" not in kinds(model)
    save_model(model, tmp_path / "product.onnx")
    wanted, found = (session(tmp_path / f"{n}.onnx").run(None, {"x": pixels})[0] for n in ("conv", "product"))
    assert found.shape == (2, 8, 5)
    assert np.abs(found - wanted).max() < 10 * TOLERANCE
    assert kinds(quantized(patches(4, bias), "int8"))["DynamicQuantizeMatMul"] == 1


def test_patches_that_overlap_stay_a_convolution() -> None:
    model = patches(2, True)
    patches_as_product(model)
    assert kinds(model)["Conv"] == 1


def test_states_that_several_products_read_are_rounded_once(tmp_path: Path) -> None:
    """And give bit by bit what each would give by itself."""
    weights = [values(32, 8), values(32, 16), values(32, 8)]
    x = values(7, 32)

    def products(which: list[Any]) -> ir.Model:
        tape, states = Tape(), value("x", "n", 32)
        made = [tape.op("MatMul", [states, constant(tape, f"w{i}", w)]) for i, w in enumerate(which)]
        biases = [constant(tape, f"b{i}", np.zeros(w.shape[1], np.float32)) for i, w in enumerate(which)]
        # The first product ends last.
        outputs = [tape.op("Add", [m, b]) for m, b in reversed(list(zip(made, biases, strict=True)))]
        return quantized(written(tape, [states], outputs[::-1]), "int8")

    together = products(weights)
    assert kinds(together) == {"DynamicQuantizeLinear": 1, "MatMulIntegerToFloat": 3}
    save_model(together, tmp_path / "together.onnx")
    found = session(tmp_path / "together.onnx").run(None, {"x": x})
    for number, weight in enumerate(weights):
        alone = products([weight])
        assert kinds(alone) == {"DynamicQuantizeMatMul": 1}
        save_model(alone, tmp_path / "alone.onnx")
        assert np.array_equal(session(tmp_path / "alone.onnx").run(None, {"x": x})[0], found[number])
