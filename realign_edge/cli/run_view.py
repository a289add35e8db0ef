"""One run for people, within 80 columns: what it was made from, how far it is, its figures, what it found."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from realign_edge.cli.console import PlainConsole
from realign_edge.meter import clock
from realign_edge.runs.figures import Snapshot
from realign_edge.runs.run import Run

_WIDTH, _BAR_WIDTH = 80, 24
_STYLES = {"running": "green", "finished": "green", "paused": "yellow", "stopped": "yellow", "failed": "red"}
_STAGES = {"index": "photos", "pairs": "pairs", "train": "training", "evaluate": "evaluation", "export": "export"}
_Cell = tuple[str, str, Callable[[float], str]]


def _nats(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # + 0.0: never "-0.000"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _rate(value: float) -> str:
    return f"{value:.1f}/s" if value < 1000 else f"{value:,.0f}/s"


# Rows of (label, field of the step event, how it is written); a field that an event lacks is left out.
_FIGURES: tuple[tuple[_Cell, ...], ...] = (
    (
        ("loss", "loss", lambda v: f"{v:.4f}"),
        ("gradient norm", "grad_norm", lambda v: f"{v:.3g}"),
        ("learning rate", "learning_rate", lambda v: f"{v:.2e}"),
    ),
    (
        ("text margin", "text_margin", _nats),
        ("visual margin", "visual_margin", _nats),
        ("chosen change", "chosen_change", _nats),
    ),
    (("text accuracy", "text_accuracy", _share), ("visual accuracy", "visual_accuracy", _share)),
    (
        ("reward chosen", "reward_chosen", _nats),
        ("rejected", "reward_rejected", _nats),
        ("retrieved", "reward_retrieved", _nats),
    ),
    (
        ("pairs", "pairs_per_s", _rate),
        ("tokens", "tokens_per_s", _rate),
        ("memory", "memory_gib", lambda v: f"{v:.1f} GiB"),
    ),
)


def print_run(run: Run, seen: Snapshot) -> None:
    """Print it on stdout."""
    console = PlainConsole()
    console.width = min(console.width, _WIDTH)
    console.print(Group(*_parts(run, seen)))


def _parts(run: Run, seen: Snapshot) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True, min_width=10)
    table.add_column(overflow="fold")
    about = run.about
    table.add_row("Run", Text(run.run_id))
    table.add_row("State", _state(seen))
    for label, text in _place(seen):
        table.add_row(label, text)
    for label, value in (
        ("Model", str(about.get("model", ""))),
        ("Photos", str(about.get("photos", ""))),
        ("Language", str(about.get("language", ""))),
        ("Created", str(about.get("created", "")).replace("T", " ")),
        ("Folder", str(run.folder)),
        ("Log", str(seen.status.get("log", ""))),
        ("Result", _result(run)),
        ("Blind test", _blind(run)),
    ):
        if value:
            table.add_row(label, Text(value))
    step, held = seen.step, seen.held_out
    last = f"Last step: {step.get('step')} of {step.get('steps')}  (margins and rewards in nats)"
    look = f"Held-out pairs (n = {held.get('pairs')}) after step {held.get('step')}"
    return [table, *_figures(last, step), *_figures(look, held)]


def _state(seen: Snapshot) -> Text:
    text = Text(seen.state, style=_STYLES.get(seen.state, "red"))
    stage = seen.status.get("stage")
    if seen.state != "finished" and stage:
        text.append(f" in {_STAGES.get(stage, stage)}", style="default")
    return text


def _place(seen: Snapshot) -> list[tuple[str, RenderableType]]:
    """How far, the time left, the last checkpoint, and why it failed: those of them that are known."""
    rows: list[tuple[str, RenderableType]] = []
    status = seen.status
    if status.get("error"):
        rows.append(("Error", Text(status["error"], style="red")))
    if status.get("hint"):
        rows.append(("Hint", Text(status["hint"])))
    if status.get("total") and seen.state != "finished":
        rows.append(("Done", _bar(status, seen)))
    if seen.checkpoint_step is not None and seen.checkpoint_age_s is not None:
        rows.append(("Checkpoint", Text(f"step {seen.checkpoint_step}, {_ago(seen.checkpoint_age_s)}")))
    return rows


def _bar(status: Mapping[str, Any], seen: Snapshot) -> RenderableType:
    done, total = int(status.get("done", 0)), int(status["total"])
    unit = "step " if status.get("stage") == "train" else ""
    words = f"{unit}{done} of {total}"
    left = seen.step.get("seconds_left")
    if status.get("stage") == "train" and seen.state == "running" and left is not None:
        words += f", {clock(float(left))} left"
    full = min(_BAR_WIDTH * done // total, _BAR_WIDTH)
    return Text.assemble(("█" * full, "green"), ("░" * (_BAR_WIDTH - full), "dim"), f"  {words}")


def _figures(title: str, step: Mapping[str, Any]) -> list[RenderableType]:
    """The figures of a step or of a look, three a row."""
    if not step:
        return []
    table = Table.grid(padding=(0, 3, 0, 0))
    for width in (13, 15, 13):
        table.add_column(style="dim", min_width=width, no_wrap=True)
        table.add_column(justify="right", min_width=8, no_wrap=True)
    for row in _FIGURES:
        known = [
            (label, write(float(step[key]))) if step.get(key) is not None else ("", "") for label, key, write in row
        ]
        if any(label for label, _ in known):
            table.add_row(*[part for cell in known for part in cell])
    return [Text(f"\n{title}"), table]


def _result(run: Run) -> str:
    outputs = run.stages.get("evaluate", {}).get("outputs", {})
    return str((outputs.get("decision") or {}).get("sentence", ""))


def _blind(run: Run) -> str:
    """What people preferred, with n and interval; "" where nobody chose, or the answers are damaged."""
    from realign_edge.errors import MissingError
    from realign_edge.evaluation.preference.result import run_result

    try:
        found = run_result(run.folder)
    except MissingError as problem:
        return problem.message
    if found is None:
        return ""
    if not found.decided:
        return f"no answer preferred for any of {found.judged} photos"
    rate = found.win_rate
    return (
        f"after preferred for {found.after} of {found.decided} photos for which either was: {100 * rate.value:.0f} % "
        f"(95 % interval {100 * rate.low:.0f} to {100 * rate.high:.0f}, sign test p = {found.p:.3f}); "
        f"{found.tie} equally good, {found.bad} both bad, {found.identical} identical, {found.people} people"
    )


def _ago(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s ago"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days ago"
