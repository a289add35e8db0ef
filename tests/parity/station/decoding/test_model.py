"""The exported model in onnxruntime says what the torch model says, token for token and likelihood for likelihood."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.photos.regular import Refusal
from realign_edge.shopfloor.floor import plan_floor
from realign_edge.shopfloor.render import render
from realign_edge.shopfloor.scene import CoOccurrence
from realign_edge.station.decoding.cache import GrownCache
from realign_edge.station.decoding.model import StationModel, load_station
from realign_edge.station.inspecting.inspector import Inspector
from realign_edge.station.seeing.eye import View
from realign_edge.vlm.branches import Branch, pack, token_logps
from realign_edge.vlm.generate import generate
from realign_edge.vlm.load import load_vlm

DESCRIBE, YES_NO = "Describe the part and its defects.", "Does the photo show rust?"
PHOTOS = 50


@pytest.fixture(scope="module")
def model(station_bundle: Path) -> StationModel:
    return load_station(station_bundle)


@pytest.fixture(scope="module")
def vlm() -> Any:
    return load_vlm("nano")


@pytest.fixture(scope="module")
def photos() -> list[Any]:
    """A floor that nobody was trained on; its seed is used nowhere else."""
    shots = plan_floor(PHOTOS, seed=8171, world=CoOccurrence.unbiased())
    return [render(shot.scene, 128).image for shot in shots]


@pytest.fixture(scope="module")
def views(model: StationModel, photos: list[Any]) -> list[View]:
    return [model.see(photo) for photo in photos]


@pytest.fixture(scope="module")
def sights(vlm: Any, photos: list[Any]) -> list[Any]:
    return [vlm.see(vlm.look(Image.fromarray(photo))) for photo in photos]


def test_features_and_retrieval_vectors_are_those_of_the_tower(views: list[View], sights: list[Any]) -> None:
    for view, seen in zip(views, sights, strict=True):
        # float32 in another order of summation; features are of the size of 1 to 10.
        assert np.allclose(view.features, seen.sight.features.numpy(), atol=2e-4)
        assert np.allclose(view.embedding, seen.pooled["cls"].numpy(), atol=2e-6)


def test_fifty_descriptions_are_token_for_token_the_same(
    model: StationModel, vlm: Any, views: list[View], sights: list[Any]
) -> None:
    expected = generate(vlm, [s.sight for s in sights], [DESCRIBE] * len(sights))
    answers = [model.answer(view, DESCRIBE) for view in views]
    assert [a.text for a in answers] == expected
    assert len({a.ids for a in answers}) > PHOTOS // 2, "the same sentence for every photo proves nothing"
    assert all(a.finished for a in answers)


def test_likelihoods_are_those_of_torch(model: StationModel, vlm: Any, views: list[View], sights: list[Any]) -> None:
    for view, seen in zip(views[:12], sights[:12], strict=True):
        answer = model.answer(view, DESCRIBE)
        packed = pack([vlm.prefix(DESCRIBE, seen.sight)], [[Branch(torch.tensor(answer.ids))]])
        expected = token_logps(vlm, packed, [seen.sight]).detach().numpy()
        # Logits of the size of 10 in float32, summed in another order.
        assert np.allclose(model.answer_logps(view, DESCRIBE, answer.ids), expected, atol=1e-4)
        assert np.allclose(answer.logps, expected, atol=1e-4)


def test_questions_about_one_photo_share_it_and_change_nothing(model: StationModel, views: list[View]) -> None:
    alone = [model.answer(views[i], q) for i, q in ((0, DESCRIBE), (1, YES_NO), (0, YES_NO), (1, DESCRIBE))]
    read = _counted(model)
    together = [model.answer(views[i], q) for i, q in ((0, DESCRIBE), (0, YES_NO), (1, YES_NO), (1, DESCRIBE))]
    assert [a.ids for a in together] == [alone[i].ids for i in (0, 2, 1, 3)]
    for a, b in zip(together, (alone[0], alone[2], alone[1], alone[3]), strict=True):
        assert np.allclose(a.logps, b.logps, atol=1e-5)
    prompts = [n for n in read if n > 1]
    photo, (describe, yes_no) = model.profile.image_tokens, (model.prompts.ends(q).tail for q in (DESCRIBE, YES_NO))
    alike = next(i for i, (a, b) in enumerate(zip(describe, yes_no, strict=False)) if a != b)
    # The first question about a photo reads it, the second only its own words from where they differ; what stands
    # before the photo nobody reads again.
    assert prompts == [photo + len(describe), len(yes_no) - alike, photo + len(yes_no), len(describe) - alike]


def test_the_first_photo_is_read_as_every_later_one(station_bundle: Path, views: list[View]) -> None:
    """What int8 reads together it rounds by one scale: in other pieces the same photo would be answered otherwise."""
    fresh = load_station(station_bundle)
    read, ends = _counted(fresh), fresh.prompts.ends(DESCRIBE)
    first = fresh.answer(views[2], DESCRIBE)
    assert read[:2] == [len(ends.head), fresh.profile.image_tokens + len(ends.tail)]
    fresh.answer(views[3], DESCRIBE)
    again = fresh.answer(views[2], DESCRIBE)
    assert first.ids == again.ids
    assert np.array_equal(first.logps, again.logps)


def test_what_was_answered_need_not_be_read_again(model: StationModel, views: list[View]) -> None:
    answer = model.answer(views[4], DESCRIBE)
    before = model.answer_logps(views[4], DESCRIBE, answer.ids)
    begun = (*answer.ids[:5], *model.answer(views[7], DESCRIBE).ids[5:9])
    alone = model.answer_logps(views[4], DESCRIBE, begun)
    model.answer(views[4], DESCRIBE)
    assert np.allclose(before, answer.logps, atol=1e-5)
    assert np.allclose(model.answer_logps(views[4], DESCRIBE, begun), alone, atol=1e-5)
    assert model.answer(views[4], DESCRIBE, 3).ids == answer.ids[:3]
    assert model.answer(views[4], DESCRIBE).ids == answer.ids


def test_a_choice_is_the_likelihood_of_its_first_differing_token(model: StationModel, views: list[View]) -> None:
    yes, no = (model.prompts.answer_ids(YES_NO, a) for a in ("Yes.", "No."))
    shares = model.choose(views[3], YES_NO, ["Yes.", "No."])
    logps = [model.answer_logps(views[3], YES_NO, ids)[0] for ids in (yes, no)]
    assert np.allclose(shares, np.exp(logps) / np.exp(logps).sum(), atol=1e-6)
    with pytest.raises(ValueError, match="do not differ"):
        model.choose(views[3], YES_NO, ["Yes", "Yes."])


def test_the_grown_cache_says_the_same(model: StationModel, station_bundle: Path, views: list[View]) -> None:
    grown = load_station(station_bundle)
    profile = replace(grown.profile, cache="grown")
    grown._cache = GrownCache(grown._cache._calls.session, profile)  # type: ignore[attr-defined]
    for view in views[:3]:
        for question in (DESCRIBE, YES_NO, DESCRIBE):
            ours, theirs = grown.answer(view, question), model.answer(view, question)
            assert ours.ids == theirs.ids
            assert np.allclose(ours.logps, theirs.logps, atol=1e-5)


def test_a_pass_that_fails_leaves_no_half_prompt(model: StationModel, views: list[View], monkeypatch: Any) -> None:
    expected = [model.answer(views[i], DESCRIBE).ids for i in (5, 6)]
    run = model._cache.run

    def cut_off(*given: Any) -> Any:
        run(*given)
        raise RuntimeError("cut off")

    with monkeypatch.context() as broken:
        broken.setattr(model._cache, "run", cut_off)
        with pytest.raises(RuntimeError):
            model.answer(views[5], DESCRIBE)
    # The cache held the photo 6 before, and parts of photo 5 were written over it.
    assert [model.answer(views[i], DESCRIBE).ids for i in (6, 5)] == expected[::-1]


def _counted(model: StationModel) -> list[int]:
    """The lengths of all later passes through the decoder."""
    lengths: list[int] = []
    run = model._cache.run

    def counting(embeds: Any, *given: Any) -> Any:
        lengths.append(embeds.shape[1])
        return run(embeds, *given)

    model._cache.run = counting  # type: ignore[method-assign, assignment]
    return lengths


def test_a_photo_that_takes_more_than_the_model_reads_is_refused(
    model: StationModel, station_bundle: Path, photos: list[Any]
) -> None:
    """As LLaVA-NeXT's tiles may; a watching station goes on with the next photo."""
    inspector = Inspector(station_bundle, model=copy(model))
    inspector.examine(photos[0])
    whole = sum(map(len, model.prompts.ends(inspector.question))) + 65 + model.profile.max_new_tokens
    for context in (whole, whole - 1):
        inspector.profile = replace(model.profile, image_tokens=0, context=context)
        inspector.model.profile = inspector.profile
        if context == whole:
            inspector.examine(photos[0])
        else:
            with pytest.raises(Refusal, match="takes 65 tokens"):
                inspector.examine(photos[0])
