"""A graph that names weights outside its bundle is not loaded: the runtime refuses, and this holds it to that."""

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from realign_edge.station.sessions import options


def graph(path: Path, location: str) -> Path:
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    shape = [4]
    made = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], [weights],
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("where", ["up", "absolute", "link", "inside"])
def test_weights_come_from_the_bundle_alone(where: str, tmp_path: Path) -> None:
    import onnxruntime

    bundle, secret = tmp_path / "bundle", tmp_path / "secret.bin"
    bundle.mkdir()
    secret.write_bytes(b"0123456789abcdef")
    (bundle / "link.bin").symlink_to(secret)
    (bundle / "inside.bin").write_bytes(b"\0" * 16)
    named = {"up": "../secret.bin", "absolute": str(secret), "link": "link.bin", "inside": "inside.bin"}[where]
    path = str(graph(bundle / "model.onnx", named))
    if where == "inside":
        onnxruntime.InferenceSession(path, options(1), providers=["CPUExecutionProvider"])
        return
    with pytest.raises(Exception, match="External data path"):
        onnxruntime.InferenceSession(path, options(1), providers=["CPUExecutionProvider"])
