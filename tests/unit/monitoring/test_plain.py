"""A run as lines: each thing once, no cursor movement, both languages."""

import json
from typing import Any

from realign_edge.monitoring.look import Watcher
from realign_edge.monitoring.objects import as_object
from realign_edge.monitoring.plain import PlainLines


def begin(written: Any) -> None:
    written.tell("started", photos=60, until="export")
    written.tell("stage", stage="index", state="begun")
    written.tell("stage", stage="index", state="done")
    written.tell("stage", stage="train", state="begun")
    for step in range(1, 11):
        written.step(step)
    written.beat(stage="train", task="Training", unit="steps", done=10, total=60)


def bodies(lines: list[str]) -> list[str]:
    """Without their times of day."""
    assert all(line[2] == line[5] == ":" and line[8] == " " for line in lines)
    return [line[9:] for line in lines]


def test_news_come_once_and_summaries_now_and_then(written: Any) -> None:
    watcher, lines = Watcher(written.run), PlainLines("en", every_s=30.0)
    begin(written)
    first = bodies(lines.lines(watcher.look(written.now)))
    assert first[0].startswith(f"run {written.run.run_id}: nano on ")
    assert "Photos: done." in first
    assert any(line.startswith("Running well: training") for line in first)
    assert any(line.startswith("Training: 10 of 60 steps, 1.0 steps per second, 50 s left, until ") for line in first)
    assert any("loss 1.833" in line for line in first)
    assert lines.lines(watcher.look(written.now + 1)) == []
    written.tell("held_out", step=10, pairs=40, loss=1.5, text_accuracy=0.75)
    (news,) = bodies(lines.lines(watcher.look(written.now + 1)))
    assert news == "Step 10: 75 % of 40 held-out pairs answered rightly, loss 1.500."
    for step in range(11, 41):
        written.step(step)
    written.beat(stage="train", task="Training", unit="steps", done=40, total=60)
    (summary,) = bodies(lines.lines(watcher.look(written.now)))
    assert summary.startswith("Training: 40 of 60 steps")
    assert "last news 0 s ago" in summary


def test_attention_and_samples_are_lines_with_what_to_do(written: Any) -> None:
    watcher, lines = Watcher(written.run), PlainLines("en")
    begin(written)
    lines.lines(watcher.look(written.now))
    written.sample("a/one.jpg", 10)
    found = bodies(lines.lines(watcher.look(written.now)))
    assert found == [
        "sample, step 10, a/one.jpg: Describe it.",
        "record: Crack.",
        "before: A dent. (not in the photo: dent, missed: crack)",
        "now: A crack. (all of the record, and nothing else)",
    ]
    found = bodies(lines.lines(watcher.look(written.now + 50)))
    assert found[0].startswith("Needs attention because there has been no news for")
    assert found[1].startswith("do: A long step")
    # 60 s later it is another number, and no news.
    again = bodies(lines.lines(watcher.look(written.now + 55)))
    assert not any("attention" in line for line in again)


def test_in_japanese_and_without_control_characters(written: Any) -> None:
    watcher, lines = Watcher(written.run), PlainLines("ja")
    begin(written)
    written.tell("warning", message="\x1b[31mred\x07")
    found = lines.lines(watcher.look(written.now), last=True)
    assert any("順調です" in line for line in found)
    assert not any(ord(c) < 32 for line in found for c in line)


def test_the_same_as_an_object(written: Any) -> None:
    begin(written)
    written.sample("a/one.jpg", 10)
    found = json.loads(json.dumps(as_object(Watcher(written.run).look(written.now), "ja")))
    assert found["condition"]["level"] == "ok"
    assert found["stages"][2]["title"] == "学習"
    assert found["sample"]["before"]["pieces"][1] == {"text": "dent", "mark": "absent"}
    assert found["sample"]["photo"].endswith("a/one.jpg")
