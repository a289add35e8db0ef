"""One look at a run after another, as a window sees it."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from realign_edge.monitoring.look import Watcher, looking
from realign_edge.monitoring.model import Machine, RunView, StageView
from realign_edge.monitoring.replay import Replay


class Fixed:
    """A machine that is always the same."""

    def read(self, pid: int | None = None) -> Machine:
        self.pid = pid
        return Machine(memory_used_gib=1.0, memory_total_gib=8.0, disk_free_gib=50.0)


@pytest.fixture
def watcher(written: Any) -> Watcher:
    return Watcher(written.run, Fixed())  # type: ignore[arg-type]


def stages(view: RunView) -> dict[str, StageView]:
    return {s.name: s for s in view.stages}


def states(view: RunView) -> list[str]:
    return [s.state for s in view.stages]


def begin(written: Any, until: str = "export") -> None:
    written.tell("started", photos=60, refused=0, language="en", until=until)
    written.tell("stage", stage="index", state="begun")


def trained(written: Any, upto: int = 20) -> None:
    begin(written)
    written.tell("stage", stage="index", state="unchanged")
    written.tell("stage", stage="pairs", state="begun")
    written.tell("pairs", pairs={"note": 40, "where": 2})
    written.tell("stage", stage="pairs", state="done", after=9.0)
    written.tell("stage", stage="train", state="begun")
    for step in range(1, upto + 1):
        written.step(step)
    written.beat(stage="train", task="Training", unit="steps", done=upto, total=60)


def test_before_the_first_word_it_is_starting(watcher: Watcher, written: Any) -> None:
    view = watcher.look(written.now)
    assert (view.state, view.condition.rule, view.model) == ("unknown", "starting", "nano")
    assert [p.en for p in view.problems] == ["events.jsonl is not there (yet)."]
    assert view.stage is None


def test_a_stage_with_its_rate_time_left_and_the_clock_time_of_its_end(watcher: Watcher, written: Any) -> None:
    begin(written)
    written.now += 10
    place = {"stage": "index", "task": "Seeing photos", "unit": "photos", "done": 20, "total": 60, "rate": 2.0}
    written.beat(**place)
    index = stages(watcher.look(written.now + 4))["index"]
    assert (index.state, index.done, index.total, index.rate) == ("running", 20, 60, 2.0)
    assert (index.unit.en, index.task.ja) == ("photos", "写真の特徴計算")
    # 40 left at 2/s are 20 s, of which 4 have gone by.
    assert (index.seconds_left, index.ends_at) == (16.0, written.now + 20)
    assert index.took_s == 15.0  # it began a second after the run
    assert states(watcher.look(written.now)) == ["running", "waiting", "waiting", "waiting", "waiting"]


def test_a_task_that_has_nothing_to_count_is_named(watcher: Watcher, written: Any) -> None:
    written.tell("started", photos=60)
    written.beat(stage="index", task="Loading the model")
    view = watcher.look(written.now + 100)
    assert view.condition.sentence.en == "Running well: loading the model."
    assert watcher.look(written.now + 200).condition.rule == "silent"


def test_a_training_run_is_well_and_says_how_long_still(watcher: Watcher, written: Any) -> None:
    trained(written)
    written.tell("held_out", step=20, pairs=50, loss=1.4, text_accuracy=0.8)
    written.checkpoint(20)
    written.now += 5
    view = watcher.look(written.now)
    assert states(view) == ["unchanged", "done", "running", "waiting", "waiting"]
    assert (view.condition.level, view.condition.rule) == ("ok", "well_left")
    assert (view.step, view.steps, view.pairs_per_s) == (20, 60, 20.0)
    assert view.stage is not None
    assert view.stage.rate == pytest.approx(1.0)
    assert (view.checkpoint_step, view.news_age_s) == (20, 5.0)
    assert view.checkpoint_age_s == 5.0
    loss = view.curve("loss")
    assert loss is not None
    assert (len(loss.points), loss.held_out, loss.last_held_out) == (20, ((20.0, 1.4),), 1.4)
    assert view.curve("visual_margin") is None
    assert view.news[-1].words.en == "Step 20: 80 % of 50 held-out pairs answered rightly, loss 1.400."
    assert stages(view)["pairs"].took_s == 10.0
    early = watcher.look(written.now - 3605)
    assert early.condition.rule == "clock_back" and "1 h 00 min" in early.condition.sentence.en
    later = watcher.look(written.now + 70)
    assert (later.condition.rule, later.condition.level) == ("silent", "attention")
    assert "1 min 15 s" in later.condition.sentence.en


def test_new_events_come_with_the_next_look_and_the_process_is_measured(written: Any) -> None:
    machine = Fixed()
    watcher = Watcher(written.run, machine)  # type: ignore[arg-type]
    trained(written, 3)
    assert watcher.look(written.now).step == 3
    assert machine.pid == os.getpid()
    written.step(4)
    assert watcher.look(written.now).step == 4


def test_nan_explosion_and_falling_likelihood_are_told(watcher: Watcher, written: Any) -> None:
    trained(written, 10)
    for step in range(11, 17):
        written.step(step, loss=40.0, chosen_change=-3.0)
    view = watcher.look(written.now)
    assert view.condition.rule == "loss_exploding"
    assert [w.rule for w in view.warnings] == ["chosen_falling"]
    written.step(17, loss=None)
    view = watcher.look(written.now)
    assert view.condition.rule == "loss_nan"
    assert "(step 17)" in view.condition.sentence.en


def test_what_the_run_warned_of_is_told_once_and_not_what_a_rule_tells(watcher: Watcher, written: Any) -> None:
    trained(written, 6)
    for _ in range(3):
        written.tell("warning", message="graph x is left out\x1b[31m")
    for step in range(7, 13):
        written.step(step, chosen_change=-3.0)
    written.tell("warning", message="the true notes became 3.0 nats less likely")
    written.tell("warning", message="the true notes became 3.0 nats less likely", kind="chosen_falling")
    view = watcher.look(written.now)
    assert view.condition.rule == "chosen_falling"
    assert [w.words.en for w in view.warnings] == ["graph x is left out"]
    assert [n.words.en for n in view.news].count("Note: graph x is left out") == 1


def test_pause_stop_and_what_was_asked_for(watcher: Watcher, written: Any) -> None:
    trained(written)
    written.run.request("pause")
    view = watcher.look(written.now)
    assert (view.condition.rule, view.condition.asked) == ("pausing", "pause")
    written.beat("paused", stage="train", task="Training", unit="steps", done=20, total=60)
    view = watcher.look(written.now)
    assert (view.condition.rule, view.condition.asked) == ("paused", "")
    assert stages(view)["train"].state == "paused"
    assert stages(view)["train"].seconds_left is None
    written.run.request("stop")
    written.beat(stage="train", task="Training", unit="steps", done=20, total=60)
    assert watcher.look(written.now).condition.rule == "stopping"
    written.tell("stopped")
    written.beat("stopped", stage="train", done=20, total=60)
    view = watcher.look(written.now)
    assert (view.condition.level, view.condition.rule, stages(view)["train"].state) == ("stopped",) * 3
    # Twenty steps and the last word.
    assert stages(view)["train"].took_s == 21.0


def test_a_process_that_died_without_a_word(watcher: Watcher, written: Any) -> None:
    trained(written)
    status = json.loads((written.run.folder / "status.json").read_text())
    (written.run.folder / "status.json").write_text(json.dumps({**status, "process": "1"}))
    view = watcher.look(written.now)
    assert (view.state, view.condition.rule, stages(view)["train"].state) == ("interrupted", "interrupted", "stopped")


def test_a_failure_in_its_own_words(watcher: Watcher, written: Any) -> None:
    trained(written)
    written.beat("failed", stage="train", error="No space left on device: /x", hint="free some space")
    view = watcher.look(written.now)
    assert view.condition.sentence.en == "Stopped because it failed: No space left on device: /x"
    assert (view.condition.advice.en, stages(view)["train"].state) == ("free some space", "failed")


def finish(written: Any, until: str = "export") -> None:
    trained(written, 60)
    written.tell("best", step=50, done=60, ended_early=False)
    written.tell("stage", stage="train", state="done")
    written.tell("finished", until=until)
    written.beat("finished", stage=until)


@pytest.mark.parametrize(("adopt", "rule"), [(True, "adopted"), (False, "rejected")])
def test_a_finished_run_says_what_the_evaluation_came_to(
    watcher: Watcher, written: Any, adopt: bool, rule: str
) -> None:
    finish(written)
    written.evaluate(adopt, () if adopt else ("fewer real defects are named", "another reason"))
    view = watcher.look(written.now)
    assert (view.condition.level, view.condition.rule) == ("done", rule)
    assert "from 12 % to 6 % (n = 77 photos)" in view.condition.sentence.en
    assert states(view) == ["unchanged", "done", "done", "done", "done"]
    if not adopt:
        assert "実際の不良の記述が減った、another reason" in view.condition.sentence.ja
    damaged = Watcher(written.run, Fixed())  # type: ignore[arg-type]
    (written.run.folder / "evaluation.json").write_text('{"decision": {"adopt": true}, "figures": 3')
    assert damaged.look(written.now).condition.rule == "unjudged"


def test_a_run_that_was_to_end_earlier_has_left_out_the_rest(watcher: Watcher, written: Any) -> None:
    finish(written, "train")
    view = watcher.look(written.now)
    assert states(view) == ["unchanged", "done", "done", "left_out", "left_out"]
    assert view.condition.sentence.en == "Finished as far as it was asked to go (Training)."


def test_a_run_that_goes_on_begins_its_stages_anew(watcher: Watcher, written: Any) -> None:
    trained(written)
    written.tell("warning", message="old")
    written.tell("stopped")
    begin(written)
    written.beat(stage="index")
    view = watcher.look(written.now)
    assert states(view) == ["running", "waiting", "waiting", "waiting", "waiting"]
    assert (view.condition.rule, view.warnings) == ("well", ())
    assert view.step == 20


def test_a_log_of_an_older_version_without_stage_events(watcher: Watcher, written: Any) -> None:
    written.tell("started", photos=60)
    written.tell("pairs", pairs={"note": 40})
    written.tell("plan", predicted_gib=1.0)
    written.step(1)
    written.beat(stage="train", done=1, total=60)
    assert states(watcher.look(written.now)) == ["done", "done", "running", "waiting", "waiting"]


def test_samples_of_different_photos_are_stepped_through(watcher: Watcher, written: Any) -> None:
    trained(written)
    written.sample("a/one.jpg", 10)
    written.sample("a/two.jpg", 20)
    view = watcher.look(written.now)
    shown = view.sample
    assert shown is not None
    assert (shown.name, shown.number, shown.count) == ("a/two.jpg", 2, 2)
    assert shown.photo == Path(view.photos) / "a" / "two.jpg"
    assert [(p.text, p.mark) for p in shown.before.pieces] == [("A ", ""), ("dent", "absent"), (".", "")]
    assert (shown.before.absent, shown.before.missed) == (("dent",), ("crack",))
    watcher.step_sample()
    assert watcher.look(written.now).sample.name == "a/one.jpg"  # type: ignore[union-attr]
    written.sample("a/two.jpg", 30)
    written.sample("a/one.jpg", 40, now="Nothing.")
    shown = watcher.look(written.now).sample
    assert shown is not None
    assert (shown.name, shown.step, shown.now.text, shown.count) == ("a/one.jpg", 40, "Nothing.", 2)
    watcher.step_sample(-1)
    assert watcher.look(written.now).sample.name == "a/two.jpg"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "values",
    [
        {"name": "../../etc/passwd"},
        {"name": "/etc/passwd"},
        {"name": "gone.jpg"},
        {"before": {"text": "x" * 9000, "marks": [[5, 2], [-1, 3], [1, 10**9], ["a"], 7, [True, 2]]}},
        {"before": {"text": "\x1b[31mred\u202e", "marks": "no", "absent": [None, {"x": 1}]}},
    ],
)
def test_a_sample_is_untrusted(watcher: Watcher, written: Any, values: dict[str, Any]) -> None:
    trained(written)
    written.sample(**{"name": "a/one.jpg", **values})
    shown = watcher.look(written.now).sample
    assert shown is not None
    assert (shown.photo is None) == ("name" in values)
    assert len(shown.before.text) <= 2000
    assert "\x1b" not in shown.before.text + shown.before.text
    assert "\u202e" not in shown.before.text


def test_what_is_no_sample_is_passed_over(watcher: Watcher, written: Any) -> None:
    trained(written)
    written.tell("sample", name="a/one.jpg", before=3)
    written.tell("sample", step="x", name=["a"])
    assert watcher.look(written.now).sample is None


STRANGE: list[Any] = [None, "x", [], {}, True, -1, 1e308, 10**400]


@pytest.mark.parametrize("value", STRANGE, ids=[str(i) for i in range(len(STRANGE))])
def test_no_value_of_any_event_ends_the_watch(watcher: Watcher, written: Any, value: Any) -> None:
    kinds = "started stage pairs plan step held_out checkpoint resumed best sample warning evaluated exported"
    more = "not_exported progress stopped failed finished x"
    keys = "step steps loss text_accuracy pairs stage state done total rate message decision error hint until photos"
    others = "predicted_gib seconds_left before now name kind"
    for kind in f"{kinds} {more}".split():
        written.tell(kind, **dict.fromkeys(f"{keys} {others}".split(), value))
    with written.events.open("a") as file:
        file.write(json.dumps({"time": value, "type": "step"}) + "\n")
        file.write(json.dumps({"time": 1.0, "type": value}) + "\n")
    (written.run.folder / "status.json").write_text(
        json.dumps(dict.fromkeys(("time", "pid", "stage", "state", "done", "total", "log", "error"), value))
    )
    assert watcher.look(written.now).run_id == written.run.run_id
    assert Replay(written.run, 1e6).look(written.now).run_id == written.run.run_id


def test_a_damaged_heartbeat_is_no_living_process(watcher: Watcher, written: Any) -> None:
    trained(written)
    for pid in (10**30, "x", None, 2**31 + 5):
        status = {"state": "running", "pid": pid, "stage": "train", "time": written.now}
        (written.run.folder / "status.json").write_text(json.dumps(status))
        assert watcher.look(written.now).state == "interrupted"
    (written.run.folder / "status.json").write_text('{"state": "runn')
    assert watcher.look(written.now).state == "unknown"


def test_a_folder_that_goes_away_and_comes_back(watcher: Watcher, written: Any, tmp_path: Path) -> None:
    trained(written)
    assert watcher.look(written.now).condition.level == "ok"
    shutil.move(written.run.folder, tmp_path / "away")
    view = watcher.look(written.now)
    assert (view.state, view.condition.rule, view.model) == ("gone", "gone", "nano")
    assert view.curve("loss") is not None
    shutil.move(tmp_path / "away", written.run.folder)
    assert watcher.look(written.now).condition.level == "ok"


def test_a_share_that_went_away_is_told(watcher: Watcher, written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(written)
    assert watcher.look(written.now).condition.level == "ok"

    def stale(run: Any) -> Any:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr("realign_edge.monitoring.look.newest_checkpoint", stale)
    view = watcher.look(written.now)
    assert (view.condition.rule, view.model) == ("gone", "nano")
    assert [p.en for p in view.problems] == ["The folder of this run cannot be read: Stale file handle"]
    monkeypatch.undo()
    assert watcher.look(written.now).condition.level == "ok"


def test_a_replaced_log_of_events_is_told_for_a_minute_and_starts_the_view_anew(watcher: Watcher, written: Any) -> None:
    trained(written, 30)
    watcher.look(written.now)
    written.events.write_text("")
    written.told.clear()
    trained(written, 2)
    view = watcher.look(written.now)
    assert view.step == 2
    assert [p.en for p in view.problems] == ["events.jsonl became shorter; it was read again from its beginning."]
    assert watcher.look(written.now + 61).problems == ()


def test_the_log_of_a_detached_run(watcher: Watcher, written: Any, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_bytes(b"".join(b"line %d\x1b[2J\n" % i for i in range(3000)) + b"\xff last")
    trained(written)
    written.beat(stage="train", log=str(log))
    lines = watcher.look(written.now).log
    assert len(lines) == 100
    assert lines[-2:] == ("line 2999", "\ufffd last")
    log.write_text("anew\n")
    assert watcher.look(written.now).log == ("anew",)
    log.unlink()
    assert watcher.look(written.now).log == ()


def test_many_events_stay_small(watcher: Watcher, written: Any) -> None:
    begin(written)
    with written.events.open("a") as file:
        for n in range(12_000):
            event = {"time": written.now + n, "type": "step", "step": n, "steps": 20_000, "loss": float(n % 7)}
            file.write(json.dumps(event) + "\n")
            file.write(json.dumps({"time": written.now + n, "type": "warning", "message": f"warning {n}"}) + "\n")
            file.write(json.dumps({"time": written.now + n, "type": f"kind {n}"}) + "\n")
    view = watcher.look(written.now)
    loss = view.curve("loss")
    assert loss is not None
    assert len(loss.points) <= 2000
    assert (len(view.news), len(view.warnings)) == (300, 40)
    assert len(watcher._story.latest) <= 60


def test_looking_is_watching_or_playing(written: Any) -> None:
    assert isinstance(looking(written.run), Watcher)
    assert isinstance(looking(written.run, 60.0), Replay)
