"""Families with tiles and families with one size: on a station the photo, its prompt and the answer are torch's."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.errors import MissingError, RealignError
from realign_edge.export.tables.layout import places_of
from realign_edge.station.decoding.model import StationModel
from realign_edge.vlm.generate import generate_ids
from realign_edge.vlm.tree import Continuation, continuation_logps
from tests.parity.station.stations import CASES, Station, exported

# (height, width): of a camera, upright, wide, a line, a column, one tile, and large.
SHAPES = ((96, 128), (128, 96), (60, 170), (1, 500), (300, 20), (32, 32), (400, 600))
QUESTIONS = ("Describe the part and its defects.", "Does the photo show rust?", "1?")
PHOTOS = tuple(np.random.default_rng(5).integers(0, 256, (*shape, 3), np.uint8) for shape in SHAPES)
# Features of order 1 to 10 in float32, of another order of summation, as a share of the largest.
TOLERANCE = 1e-5
LENGTH = 16


@pytest.fixture(scope="module", params=CASES)
def station(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Station:
    torch.set_num_threads(1)
    # Pooled behind the projector, a photo's vector is the mean of what the prompt holds of it, ends of lines too.
    pooling = "projected" if request.param == "llava_onevision" else "cls"
    return exported(tmp_path_factory.mktemp(request.param), request.param, ("fp32", "int8", "int4"), pooling)


@pytest.fixture(scope="module")
def model(station: Station) -> StationModel:
    return station.model()


@pytest.fixture(scope="module")
def seen(station: Station) -> list[Any]:
    return [station.vlm.see(station.vlm.look(Image.fromarray(photo))) for photo in PHOTOS]


def test_which_route_the_decoder_takes(station: Station) -> None:
    two_way = station.vlm.family.both_ways != "nothing"
    assert (station.graphs.route, station.graphs.both_ways) == (
        "plain" if two_way else "own", station.vlm.family.both_ways
    )  # fmt: skip
    assert ("both directions" in station.graphs.reason) == two_way


def test_it_sees_what_the_tower_sees(station: Station, model: StationModel, seen: list[Any]) -> None:
    for photo, theirs in zip(PHOTOS, seen, strict=True):
        view, wanted = model.see(photo), theirs.sight.features.numpy()
        assert view.features.shape == wanted.shape
        assert np.abs(view.features - wanted).max() < TOLERANCE * np.abs(wanted).max()
        assert np.abs(view.embedding - theirs.pooled[station.pooling].numpy()).max() < TOLERANCE
    assert model.profile.embedding_rows == ("features" if station.pooling == "projected" else "mean")
    sizes = {len(s.sight.features) for s in seen}
    assert model.profile.image_tokens == (sizes.pop() if len(sizes) == 1 else 0)


def test_the_prompt_is_the_workstations(station: Station, model: StationModel, seen: list[Any]) -> None:
    for photo, theirs in zip(PHOTOS, seen, strict=True):
        placed = model.see(photo).placed
        for question in QUESTIONS:
            ids, ends = station.vlm.prefix(question, theirs.sight).ids.tolist(), model.prompts.ends(question)
            own = ids[len(ends.head) : len(ids) - len(ends.tail)]
            assert (tuple(ids[: len(ends.head)]), tuple(ids[len(ids) - len(ends.tail) :])) == ends
            assert placed.places.tolist() == [token == station.vlm.image_token_id for token in own]
            text = np.array([t for t in own if t != station.vlm.image_token_id], np.int64)
            expected = station.vlm.embed(torch.from_numpy(text)).numpy()
            assert np.array_equal(placed.states[~placed.places], expected)


def test_answers_are_token_for_token_the_same(station: Station, model: StationModel, seen: list[Any]) -> None:
    views, sights = [model.see(photo) for photo in PHOTOS], [s.sight for s in seen]
    answers = []
    for question in QUESTIONS:
        told = generate_ids(station.vlm, sights, [question] * len(sights), LENGTH)
        answers += [(view, question, ids) for view, ids in zip(views, told, strict=True)]
    # In an order in which both photo and question change, and one that asks again about the same photo.
    for view, question, ids in [*answers, *(a for n in range(3) for a in answers[n :: len(views)])]:
        assert list(model.answer(view, question, LENGTH).ids) == ids


def test_likelihoods_are_torchs(station: Station, model: StationModel, seen: list[Any]) -> None:
    ids = tuple(model.prompts.answer_ids(QUESTIONS[0], "Brass gear. Dent at the center."))
    for photo, theirs in zip(PHOTOS, seen, strict=True):
        prefix = station.vlm.prefix(QUESTIONS[0], theirs.sight)
        expected = continuation_logps(station.vlm, [prefix], [theirs.sight], [[Continuation(ids)]])[0][0]
        found = model.answer_logps(model.see(photo), QUESTIONS[0], ids)
        # Logits of the size of 10 in float32.
        assert np.abs(found - expected).max() < 1e-4
        assert np.ptp(found) > 1


def test_looking_both_ways_makes_a_difference_where_it_is_done(model: StationModel) -> None:
    ids = tuple(model.prompts.answer_ids(QUESTIONS[0], "Brass gear."))
    before = model.answer_logps(model.see(PHOTOS[0]), QUESTIONS[0], ids)
    run = model._cache.run
    model._cache.run = lambda *given: run(*given[:3])  # type: ignore[method-assign]
    one_way = model.answer_logps(model.see(PHOTOS[0]), QUESTIONS[0], ids)
    model._cache.run = run  # type: ignore[method-assign]
    assert (np.abs(before - one_way).max() > 1e-2) == (model.profile.both_ways != "nothing")


@pytest.mark.parametrize(("precision", "likeness"), [("int8", 0.99), ("int4", 0.9)])
def test_rounded_graphs_run(station: Station, seen: list[Any], precision: Any, likeness: float) -> None:
    model = station.model(precision)
    for photo, theirs in zip(PHOTOS[:3], seen, strict=False):
        view = model.see(photo)
        assert view.embedding @ theirs.pooled[station.pooling].numpy() > likeness
        assert np.isfinite(model.answer(view, QUESTIONS[0], 8).logps).all()


def test_a_station_that_would_see_other_pixels_gets_no_bundle(station: Station, model: StationModel) -> None:
    table = dict(model.profile.preprocess)
    with pytest.raises(RealignError, match="other pixels than the processor"):
        places_of(station.vlm, table | {"resample": 0})


def test_a_question_that_names_the_photo_is_refused(model: StationModel) -> None:
    token = model.prompts.tokenizer.id_to_token(model.prompts.layout.token)
    with pytest.raises(MissingError, match="2 photos instead of one"):
        model.prompts.ends(f"What is {token}?")
