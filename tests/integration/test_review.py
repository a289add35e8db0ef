"""Reviews and `align`: what is decided is trained on, under a run of its own; no review, the same run."""

from pathlib import Path
from typing import Any

import pytest

from realign_edge.cli.summary import print_outcome
from realign_edge.errors import Interrupted, UsageError
from realign_edge.pipeline.align import Pipeline
from realign_edge.pipeline.config import resolve
from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.stock import open_stock
from realign_edge.progress import Silent
from realign_edge.runs.events import read_events


def pipeline(watched: Any, prepared: Any) -> Pipeline:
    return Pipeline(resolve(prepared.config(1, 1), {}), watched.home, Silent(), lambda: False)


def trained_on(watched: Any, prepared: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[str, tuple[PreferencePair, ...]]:
    """The run's name and the pairs that training is given."""
    from realign_edge.alignment import trainer

    given: list[tuple[Path, tuple[PreferencePair, ...]]] = []

    def align(_vlm: Any, pairs: Any, _store: Any, _settings: Any, space: Any, **_more: Any) -> None:
        given.append((space.run, tuple(pairs)))
        raise Interrupted("as far as this test goes")

    monkeypatch.setattr(trainer, "align", align)
    with pytest.raises(Interrupted):
        Pipeline(resolve(prepared.config(1, 1), {}), watched.home, Silent(), lambda: False).run(
            prepared.photos, "train"
        )
    return given[0][0].name, given[0][1]


def test_a_review_changes_what_is_trained_on_and_the_run(
    watched: Any, prepared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, before = trained_on(watched, prepared, monkeypatch)
    mori = ReviewSession(open_stock(watched.home / "catalog.sqlite", prepared.photos), "mori")
    gone, turned = before[0], next(p for p in before if p.retrieved and p != before[0])

    mori.decide(turned.pair_id, "accept")
    assert trained_on(watched, prepared, monkeypatch) == (first, before)

    mori.decide(gone.pair_id, "discard")
    mori.decide(turned.pair_id, "swap")
    second, after = trained_on(watched, prepared, monkeypatch)
    assert second != first
    assert gone not in after and len(after) == len(before) - 1
    swapped = next(p for p in after if p.photo == turned.photo and p.chosen == turned.rejected)
    assert swapped.rejected == turned.chosen and swapped.retrieved == ""
    told = [e for e in read_events(watched.home / "runs" / second / "events.jsonl") if e["type"] == "pairs"]
    assert told[-1]["changed_by_review"] == {"swapped": 1, "discarded": 1}

    while mori.undo():
        pass
    assert trained_on(watched, prepared, monkeypatch) == (first, before)


def test_a_run_is_not_resumed_under_other_reviews(
    watched: Any, prepared: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    mori = ReviewSession(open_stock(watched.home / "catalog.sqlite", prepared.photos), "mori")
    work = pipeline(watched, prepared)
    first = work.run(prepared.photos, "pairs")
    item = mori.current()
    assert item is not None
    mori.decide(item.pair.pair_id, "discard")
    with pytest.raises(UsageError, match="made from something else: reviews of pairs"):
        work.run(prepared.photos, "pairs", resume=first.run)
    print_outcome(work.run(prepared.photos, "pairs"))
    assert "1 pair changed by review: 1 discarded" in capsys.readouterr().out
    mori.undo()
    print_outcome(again := work.run(prepared.photos, "pairs"))
    assert again.run == first.run and "changed by review" not in capsys.readouterr().out
