"""Families whose photos are patches at their own resolution: exported, and run by the station as torch runs them."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.bundle.contract import GRAPHS, STATION
from realign_edge.errors import MissingError
from realign_edge.export.graphs.decoder.plain import cache_shape, plain_graph
from realign_edge.export.graphs.graphs import Graphs, export_graphs
from realign_edge.export.graphs.onnxfile import save_model
from realign_edge.export.graphs.tower.patches import grid_of
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.files import write_json
from realign_edge.station.decoding.model import StationModel, load_station
from realign_edge.station.profile import FIELDS
from realign_edge.station.seeing.eye import View
from realign_edge.station.seeing.pixels import pixels
from realign_edge.vlm.branches import Branch, pack, token_logps
from realign_edge.vlm.generate import generate_ids
from realign_edge.vlm.load import load_vlm
from tests.parity.export.running import Runner
from tests.parity.families.recipes import qwen2_5_vl, qwen2_vl, qwen3_vl

DESCRIBE, RUST = "Describe the part and its defects.", "Does the photo show rust?"
# (height, width): of one camera, upright, wide, tall, smaller than a window, ragged at both edges.
SHAPES = ((96, 128), (128, 96), (60, 170), (200, 57), (30, 30), (150, 151))
TOKENS = 32


KINDS: dict[str, Callable[[Path], None]] = {
    "qwen2_vl": lambda folder: qwen2_vl(folder, heads=2),
    "qwen2_5_vl": lambda folder: qwen2_5_vl(folder, heads=2),
    "qwen3_vl": lambda folder: qwen3_vl(folder, heads=2),
}


@dataclass
class Exported:
    name: str
    vlm: Any
    folder: Path
    graphs: Graphs
    model: StationModel
    photos: list[Any]
    views: list[View]
    sights: list[Any]


def station(vlm: Any, graphs: Graphs, folder: Path, precision: Any = "fp32") -> StationModel:
    profile = {n: v for n, v in asdict(graphs).items() if n in FIELDS} | {
        "language": "en", "preprocess": preprocess_of(vlm.processor, vlm.family.limits) | grid_of(vlm),
        "questions": {"describe": DESCRIBE}, "max_new_tokens": TOKENS, "precisions": dict.fromkeys(GRAPHS, precision),
    }  # fmt: skip
    write_json(folder / STATION, profile)
    return load_station(folder)


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    KINDS[request.param](folder / "model")
    vlm = load_vlm(str(folder / "model"))
    graphs = export_graphs(vlm, folder / "out")
    model, rng = station(vlm, graphs, folder / "out"), np.random.default_rng(0)
    photos = [rng.integers(0, 255, (*shape, 3), dtype=np.uint8) for shape in SHAPES]
    sights = [vlm.see(vlm.look(Image.fromarray(photo))) for photo in photos]
    return Exported(request.param, vlm, folder / "out", graphs, model, photos, [model.see(p) for p in photos], sights)


def test_what_the_station_must_know(case: Exported) -> None:
    about = case.graphs
    assert (about.route, about.cache) == ("own", "shared"), about.reason
    assert (about.positions, about.image_tokens, about.embedding_rows) == ("mrope", 0, "mean")
    assert about.deep_layers == (2 if case.name == "qwen3_vl" else 0)


def test_pixels_are_bit_equal(case: Exported) -> None:
    rng, table = np.random.default_rng(5), case.model.profile.preprocess
    for height, width in rng.integers(9, 400, (16, 2)).tolist():
        photo = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
        look, theirs = pixels(photo, table), case.vlm.look(Image.fromarray(photo)).inputs
        assert look.grid == tuple(theirs["image_grid_thw"][0].tolist())
        assert np.array_equal(look.values, theirs["pixel_values"].numpy()), (height, width)


def test_the_tower_sees_what_torch_sees(case: Exported) -> None:
    for view, seen in zip(case.views, case.sights, strict=True):
        wanted = seen.sight.features.numpy()
        assert view.features.shape == wanted.shape
        # float32 through two or three layers, in another order of summation.
        assert np.abs(view.features - wanted).max() < 1e-5 * np.abs(wanted).max()
        assert np.abs(view.embedding - seen.pooled["cls"].numpy()).max() < 1e-6
        deep = seen.sight.deep
        assert (view.deep is None) == (deep is None)
        if view.deep is not None:
            assert np.abs(view.deep - deep.numpy()).max() < 1e-5 * np.abs(deep.numpy()).max()


def test_answers_are_those_of_torch_token_for_token(case: Exported) -> None:
    told = generate_ids(case.vlm, [s.sight for s in case.sights], [DESCRIBE] * len(SHAPES), TOKENS)
    assert len({tuple(ids) for ids in told}) > 2, "the same answer about every photo shows little"
    assert max(len(set(ids)) for ids in told) > 5, "an answer that repeats itself shows little"
    # Twice, the photos in turn: a photo of another grid follows, and the text before it is not read again.
    for view, ids in [*zip(case.views, told, strict=True)] * 2:
        assert list(case.model.answer(view, DESCRIBE).ids) == ids


def test_transformers_generate_says_the_same(case: Exported) -> None:
    """From the processor's own prompt: positions, features and what is added are all transformers' doing."""
    vlm = case.vlm
    for photo, view in zip(case.photos[:3], case.views, strict=False):
        content = [{"type": "image", "image": Image.fromarray(photo)}, {"type": "text", "text": DESCRIBE}]
        inputs = vlm.processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True,
            return_tensors="pt", processor_kwargs=vlm.family.limits.as_arguments(),
        )  # fmt: skip
        ids = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=TOKENS)[0, inputs["input_ids"].shape[1] :]
        expected = [i for i in ids.tolist() if i != vlm.eos_token_id]
        assert list(case.model.answer(view, DESCRIBE).ids) == expected


def test_likelihoods_are_those_of_torch_whatever_was_read_before(case: Exported) -> None:
    """As grounding asks: the same words under another photo, of another grid."""
    vlm, model = case.vlm, case.model
    answer = model.answer(case.views[0], DESCRIBE)
    for number in (3, 0, 2, 4):
        packed = pack([vlm.prefix(DESCRIBE, case.sights[number].sight)], [[Branch(torch.tensor(answer.ids))]])
        expected = token_logps(vlm, packed, [case.sights[number].sight]).numpy()
        assert np.allclose(model.answer_logps(case.views[number], DESCRIBE, answer.ids), expected, atol=2e-4)
        asked = vlm.prefix(RUST, case.sights[number].sight)
        told = generate_ids(vlm, [case.sights[number].sight], [RUST], 6)[0]
        assert list(model.answer(case.views[number], RUST, 6).ids) == told, len(asked)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_rounded_graphs_run(case: Exported, precision: Any) -> None:
    rounded = station(case.vlm, case.graphs, case.folder, precision)
    for photo, view in zip(case.photos, case.views, strict=True):
        seen = rounded.see(photo)
        assert seen.embedding @ view.embedding > (0.999 if precision == "int8" else 0.97)
        assert rounded.answer(seen, DESCRIBE).ids


def test_fewer_tokens_a_photo_go_with_the_bundle(case: Exported) -> None:
    """photo_tokens of the run: the station shrinks photos as far as the workstation did."""
    vlm = load_vlm(str(case.folder.parent / "model"), photo_tokens=64)
    table = preprocess_of(vlm.processor, vlm.family.limits)
    photo = np.zeros((900, 1300, 3), np.uint8)
    tokens = vlm.look(Image.fromarray(photo)).tokens
    rows, columns = (n // table["merge"] for n in pixels(photo, table).grid[1:])
    assert 40 < rows * columns == len(tokens) <= 64


def test_rows_of_a_batch_have_positions_of_their_own(case: Exported) -> None:
    """Other tools run batches; a station does not."""
    vlm, layers = case.vlm, case.graphs.deep_layers
    rng = np.random.default_rng(1)
    states = rng.normal(size=(3, 17, case.graphs.hidden)).astype(np.float32)
    places, deep = rng.integers(0, 200, (3, 3, 17)), rng.normal(size=(layers, *states.shape)).astype(np.float32)
    more = {"deepstack_features": deep} if layers else {}
    runner = Runner(case.folder / "onnx/decoder_model_merged.onnx")
    feeds = runner._feeds(states, 0, 0) | runner.empty(3) | {"position_ids": places} | more
    found = runner.session.run(["logits"], feeds)[0]
    told = {
        "visual_pos_masks": torch.ones(3, 17, dtype=torch.bool),
        "deepstack_visual_embeds": [torch.from_numpy(d).flatten(0, 1) for d in deep],
    }  # fmt: skip
    hidden = vlm.language(
        torch.from_numpy(states), position_ids=torch.from_numpy(places), deep=told if layers else None
    )
    expected = vlm.logits(hidden).numpy()
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_the_traced_decoder_says_the_same(case: Exported, tmp_path: Path) -> None:
    """The route of decoders that our own graph does not express: axes of positions, and what layers add."""
    if not case.graphs.deep_layers:
        pytest.skip("the one with most inputs stands for all")
    vlm, shape = case.vlm, cache_shape(case.vlm)
    for path in case.folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "onnx").unlink()
    shutil.copytree(case.folder / "onnx", tmp_path / "onnx")
    save_model(plain_graph(vlm, shape, 3, case.graphs.deep_layers), tmp_path / "onnx/decoder_model_merged.onnx")
    (tmp_path / STATION).unlink()
    write_json(tmp_path / STATION, asdict(replace(case.model.profile, cache="grown")))
    traced = load_station(tmp_path)
    for number in (0, 3, 2, 0):
        for question in (DESCRIBE, RUST):
            told = generate_ids(vlm, [case.sights[number].sight], [question], TOKENS)[0]
            assert list(traced.answer(case.views[number], question, TOKENS).ids) == told


def test_a_profile_that_makes_no_sense_is_refused(case: Exported, tmp_path: Path) -> None:
    profile = case.model.profile
    bad = {
        "merge": replace(profile, preprocess={**profile.preprocess, "merge": 0}),
        "positions": replace(profile, preprocess={"kind": "resize"}),
        "deep_layers": replace(profile, deep_layers=-1),
        "layout": replace(profile, layout={"replaced": [3], "placeholder": 0, "between": {"*": [[5], []]}}),
    }
    for named, wrong in bad.items():
        write_json(tmp_path / STATION, asdict(wrong))
        with pytest.raises(MissingError, match=named):
            load_station(tmp_path)
