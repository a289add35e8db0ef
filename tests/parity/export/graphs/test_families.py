"""Families other than the embedded model's: exported, and seen by the station as by the workstation."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from realign_edge.export.graphs.graphs import export_graphs
from realign_edge.export.graphs.hub import newline_of
from realign_edge.export.graphs.tower.vision import CHOICES, WHOLE
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.station.seeing.pixels import pixels
from realign_edge.station.seeing.tiles import best_resolution, packed
from realign_edge.vlm.family import families
from realign_edge.vlm.generate import generate
from realign_edge.vlm.load import load_vlm
from tests.parity.export.running import Runner, session
from tests.parity.families.recipes import FIRST
from tests.parity.families.recipes_more import SECOND
from tests.parity.station.stations import CASES

SHAPES = ((96, 128), (128, 96), (60, 170))
QUESTION = "Describe the part and its defects."
TILED = "llava_next"
PATCHES = {"qwen2_vl", "qwen2_5_vl", "qwen3_vl"}


def test_tiles_end_where_the_workstation_ends_them(tmp_path: Path) -> None:
    """Also the route of a decoder that our own graph does not take: its heads are 8 wide."""
    torch.set_num_threads(1)
    FIRST[TILED](tmp_path / "model")
    vlm = load_vlm(str(tmp_path / "model"))
    graphs = export_graphs(vlm, tmp_path / "out", ("fp32",))
    assert (graphs.route, graphs.cache, graphs.image_tokens) == ("plain", "grown", 0)
    assert "width 8" in graphs.reason
    tower, table = (session(tmp_path / "out/onnx" / f"{n}.onnx") for n in ("vision_encoder", "embed_tokens"))
    runner = Runner(tmp_path / "out/onnx/decoder_model_merged.onnx")
    about = preprocess_of(vlm.processor, vlm.family.limits) | newline_of(vlm)
    newline = np.load(tmp_path / "out" / about["newline"])
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        rgb = rng.integers(0, 255, (*shape, 3), dtype=np.uint8)
        seen = vlm.see(vlm.look(Image.fromarray(rgb)))
        look = pixels(rgb, about)
        features, embedding = tower.run(None, {"pixel_values": look.values})
        placed = packed(features, look.size, best_resolution(look.size, about["resolutions"]), about["tile"], newline)
        wanted = seen.sight.features.numpy()
        assert placed.shape == wanted.shape
        assert np.abs(placed - wanted).max() < 1e-4 * np.abs(wanted).max()
        assert np.abs(embedding[0] / np.linalg.norm(embedding[0]) - seen.pooled["cls"].numpy()).max() < 1e-6
        told = generate(vlm, [seen.sight], [QUESTION], 24)[0]
        assert vlm.decode(answer(vlm, runner, table, seen.sight, placed)) == told


def answer(vlm: Any, runner: Runner, table: Any, sight: Any, features: Any) -> list[int]:
    ids = vlm.prefix(QUESTION, sight).ids.numpy()
    states = table.run(None, {"input_ids": ids[None]})[0]
    states[0, ids == vlm.image_token_id] = features
    logits, past = runner.run(states, keep=1)
    found: list[int] = []
    while len(found) < 24 and (token := int(logits[0, -1].argmax())) != vlm.eos_token_id:
        found.append(token)
        logits, past = runner.run(table.run(None, {"input_ids": np.array([[token]])})[0], past, keep=1)
    return found


def test_every_family_that_ships_is_compared_with_torch() -> None:
    """Here, in test_patches.py, and beside the station."""
    assert {TILED, *PATCHES, *CASES} >= (FIRST | SECOND).keys()
    assert all(family.vision_graph in {**CHOICES, **WHOLE} for family in families())
