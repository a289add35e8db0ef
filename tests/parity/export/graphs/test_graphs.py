"""The embedded model, exported twice: every graph against torch, from pixels to tokens."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.bundle.contract import GRAPHS, graph_file
from realign_edge.errors import RealignError
from realign_edge.export.graphs.decoder.plain import cache_shape, plain_graph
from realign_edge.export.graphs.graphs import Graphs, export_graphs
from realign_edge.export.graphs.onnxfile import save_model
from realign_edge.export.graphs.parts import positions_of
from realign_edge.home import models_folder
from realign_edge.shopfloor.floor import plan_floor
from realign_edge.shopfloor.render import render
from realign_edge.shopfloor.scene import CoOccurrence
from realign_edge.vlm.generate import generate
from realign_edge.vlm.load import load_vlm
from tests.parity.export.running import Runner, session

QUESTION = "Describe the part and its defects."
# Of features of order 10, through five layers.
TOLERANCE = 1e-4


@dataclass
class Exported:
    vlm: Any
    folder: Path
    graphs: Graphs
    photos: list[Image.Image]

    def path(self, graph: Any, precision: Any = "fp32") -> Path:
        return self.folder / graph_file(graph, precision)

    def pixels(self, photo: Image.Image) -> Any:
        return self.vlm.look(photo).inputs["pixel_values"].numpy()


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.set_num_threads(1)
    vlm, folder = load_vlm(str(models_folder() / "nano")), tmp_path_factory.mktemp("export")
    graphs = export_graphs(vlm, folder)
    shots = plan_floor(4, 3, CoOccurrence.unbiased())
    return Exported(vlm, folder, graphs, [Image.fromarray(render(shot.scene, 192).image) for shot in shots])


def test_every_graph_is_there_with_its_size(nano: Exported) -> None:
    assert {(f.graph, f.precision) for f in nano.graphs.files} == {
        (g, p) for g in GRAPHS for p in ("fp32", "int8", "int4")
    }
    for file in nano.graphs.files:
        assert sum((nano.folder / name).stat().st_size for name in file.files) == file.size
        assert file.path in file.files
    on_disk = {p.relative_to(nano.folder).as_posix() for p in nano.folder.rglob("*") if p.is_file()}
    assert on_disk == {*nano.graphs.hub_files, *(n for f in nano.graphs.files for n in f.files)}


def test_what_the_station_must_know(nano: Exported) -> None:
    about, vlm = nano.graphs, nano.vlm
    assert (about.route, about.cache, about.positions, about.reason) == ("own", "shared", "linear", "")
    assert (about.layers, about.kv_heads, about.head_dim, about.hidden, about.vocabulary) == (4, 6, 32, 192, 512)
    assert (about.image_token, about.image_token_id, about.image_tokens) == ("<image>", vlm.image_token_id, 65)
    assert (about.eos_token_ids, about.context, about.embedding_dim) == ((vlm.eos_token_id,), 512, 160)


def test_the_tower_sees_what_torch_sees(nano: Exported) -> None:
    tower = session(nano.path("vision_encoder"))
    assert tower.get_inputs()[0].shape == ["batch_size", 3, 128, 128]
    pixels = np.concatenate([nano.pixels(photo) for photo in nano.photos])
    together = tower.run(None, {"pixel_values": pixels})
    for row, photo in enumerate(nano.photos):
        seen = nano.vlm.see(nano.vlm.look(photo))
        features, embedding = tower.run(None, {"pixel_values": pixels[row : row + 1]})
        assert np.abs(features[0] - seen.sight.features.numpy()).max() < TOLERANCE
        assert np.abs(together[0][row] - features[0]).max() < TOLERANCE
        assert np.abs(unit(embedding[0]) - seen.pooled["cls"].numpy()).max() < 1e-6
        assert np.abs(unit(together[1][row]) - unit(embedding[0])).max() < 1e-6


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(("precision", "likeness"), [("int8", 0.995), ("int4", 0.97)])
def test_a_rounded_tower_sees_nearly_that(nano: Exported, precision: Any, likeness: float) -> None:
    tower = session(nano.path("vision_encoder", precision))
    for photo in nano.photos:
        _, embedding = tower.run(None, {"pixel_values": nano.pixels(photo)})
        assert unit(embedding[0]) @ nano.vlm.see(nano.vlm.look(photo)).pooled["cls"].numpy() > likeness


def test_from_pixels_to_the_same_tokens(nano: Exported) -> None:
    vlm = nano.vlm
    tower, table = session(nano.path("vision_encoder")), session(nano.path("embed_tokens"))
    runner = Runner(nano.path("decoder_model_merged"))
    sights = vlm.sights(nano.photos)
    told = generate(vlm, sights, [QUESTION] * len(sights), 64)
    assert len(set(told)) > 1
    for photo, sight, answer in zip(nano.photos, sights, told, strict=True):
        features, _ = tower.run(None, {"pixel_values": nano.pixels(photo)})
        ids = vlm.prefix(QUESTION, sight).ids.numpy()
        states = table.run(None, {"input_ids": ids[None]})[0]
        states[0, ids == vlm.image_token_id] = features[0]
        assert vlm.decode(greedy(runner, table, states, vlm.eos_token_id)) == answer


def greedy(runner: Runner, table: Any, states: Any, end: int) -> list[int]:
    found: list[int] = []
    logits, past = runner.run(states, keep=1)
    while len(found) < 64 and (token := int(logits[0, -1].argmax())) != end:
        found.append(token)
        logits, past = runner.run(table.run(None, {"input_ids": np.array([[token]])})[0], past, keep=1)
    return found


def test_the_same_model_gives_the_same_bytes(nano: Exported, tmp_path: Path) -> None:
    again = export_graphs(nano.vlm, tmp_path, ("fp32", "int4"))
    for name in [*again.hub_files, *(n for file in again.files for n in file.files)]:
        assert (tmp_path / name).read_bytes() == (nano.folder / name).read_bytes(), name
    # The folders of sources, which torch's exporter writes beside every node, would differ from machine to machine.
    for place in (Path(__file__).parents[4], Path.home()):
        assert str(place).encode() not in (tmp_path / "onnx/vision_encoder.onnx").read_bytes()


def test_transformers_reads_the_small_files(nano: Exported) -> None:
    from transformers import AutoConfig, AutoTokenizer

    assert AutoConfig.from_pretrained(nano.folder).model_type == "llava"
    tokenizer: Any = AutoTokenizer.from_pretrained(nano.folder)
    assert tokenizer("A dent.").input_ids == nano.vlm.processor.tokenizer("A dent.").input_ids
    pixels = json.loads((nano.folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert pixels["crop_size"] == {"height": 128, "width": 128}


def test_the_traced_decoder_says_the_same(nano: Exported, tmp_path: Path) -> None:
    """The route of decoders that our own graph does not express."""
    model = plain_graph(nano.vlm, cache_shape(nano.vlm), positions_of(nano.vlm))
    save_model(model, tmp_path / "plain.onnx")
    own, plain = Runner(nano.path("decoder_model_merged")), Runner(tmp_path / "plain.onnx")
    assert own.past == plain.past
    states = np.random.default_rng(0).normal(size=(2, 40, 192)).astype(np.float32) * 0.3
    wanted, cache = own.run(states)
    assert np.abs(plain.run(states)[0] - wanted).max() < TOLERANCE
    _, past = plain.run(states[:, :25])
    found, past = plain.run(states[:, 25:], past, keep=3)
    assert np.abs(found - wanted[:, -3:]).max() < TOLERANCE
    assert all(np.abs(past[name] - cache[name]).max() < TOLERANCE for name in cache)


def test_a_quantised_model_is_refused(nano: Exported, tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(RealignError, match="quantised"):
        export_graphs(replace(nano.vlm, quantization="nf4"), tmp_path)


def test_a_family_without_graphs_is_refused_by_name(nano: Exported, tmp_path: Path) -> None:
    from dataclasses import replace

    strange = replace(nano.vlm, family=replace(nano.vlm.family, title="Strange", vision_graph=""))
    with pytest.raises(RealignError, match="Strange cannot be exported"):
        export_graphs(strange, tmp_path)
    assert not list(tmp_path.iterdir())
