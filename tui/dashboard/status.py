"""Is all well, in one sentence with a sign, and what to do. Above it, in a replay, how fast the past is shown."""

from rich.text import Text

from realign_edge.monitoring.model import Level, RunView
from tui.dashboard.still import Still
from tui.dashboard.telling import moment
from tui.frame.fold import hanging
from tui.words import Words

SIGNS: dict[Level, str] = {"ok": "✓", "attention": "!", "stopped": "■", "done": "✓"}


def status_text(view: RunView, words: Words) -> Text:
    """Sign and sentence, below it what to do and what was asked for."""
    condition, language = view.condition, words.language
    text = Text(f"{SIGNS[condition.level]} {condition.sentence.of(language)}", style="bold")
    # Here a key does what elsewhere takes a command.
    advice = words("dashboard.paused_do") if condition.rule == "paused" else condition.advice.of(language)
    if advice:
        text.append(f"\n→ {advice}", style="not bold")
    if condition.asked:
        text.append(f"\n… {words(f'dashboard.asked_{condition.asked}')}", style="not bold")
    return text


class StatusLine(Still):
    """The sentence; its class is the level, which gives the colour of its edge."""

    _told: tuple[RunView, Words] | None = None

    def on_resize(self) -> None:
        """Folded to the new width."""
        self._show()

    def tell(self, view: RunView, words: Words) -> None:
        """The sentence of this look."""
        self._told = view, words
        self.set_classes(view.condition.level)
        self._show()

    def _show(self) -> None:
        width = self.content_size.width
        if self._told is not None and width:
            self.put(hanging(status_text(*self._told), width, 2))


class ReplayLine(Still):
    """What is shown is the past: its time of day and its speed. Not there on the present."""

    def tell(self, view: RunView, words: Words) -> None:
        """The moment of this look."""
        self.display = view.replay is not None
        if view.replay is None:
            return
        kind = "_ended" if view.replayed else "_held" if not view.replay else ""
        self.put(Text(words(f"dashboard.replay{kind}", speed=f"{view.replay:g}", time=moment(view.time))))
