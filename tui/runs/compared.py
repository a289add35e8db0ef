"""Two runs side by side, in the place of the whole window."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from realign_edge.photos.text import clean
from realign_edge.runs.compare import RunComparison, compare_runs
from realign_edge.runs.run import Run
from tui.frame.cells import fit
from tui.frame.fold import fold
from tui.frame.window import Speaking
from tui.runs.figures import compared
from tui.runs.rows import read_row
from tui.runs.telling import result_sentence, state_words
from tui.words import Words

_NAME, _VALUE = 30, 50


class ComparedRuns(ModalScreen[object], Speaking):
    """The second against the first; `x` changes their places."""

    CSS_PATH = Path("compared.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,c,enter", "close", "common.key_close", key_display="Esc"),
        Binding("x", "swap", "runs.key_swap"),
        Binding("up,k", "scroll(-1)", "common.key_up", show=False),
        Binding("down,j", "scroll(1)", "common.key_down", show=False),
        Binding("pageup", "scroll(-10)", "common.key_page_up", show=False),
        Binding("pagedown,space", "scroll(10)", "common.key_page_down", show=False),
    ]

    class Found(Message):
        """The comparison, and what each came to in words."""

        def __init__(self, found: RunComparison, said: tuple[str, str]) -> None:
            super().__init__()
            self.found, self.said = found, said

    def __init__(self, first: Run, second: Run) -> None:
        super().__init__()
        self._runs = (first, second)
        self._found: ComparedRuns.Found | None = None

    def compose(self) -> ComposeResult:
        """Everything in one text that scrolls."""
        with VerticalScroll(id="compared", classes="panel") as panel:
            panel.border_title = self.words("runs.comparison")
            yield Static(id="text", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read both."""
        self._read()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self) -> None:
        words, runs = self.words, self._runs
        said = [result_sentence(words, read_row(run)) for run in runs]
        self.post_message(self.Found(compare_runs(*runs), (said[0], said[1])))

    def on_compared_runs_found(self, message: Found) -> None:
        """Show it."""
        self._found = message
        self._draw()

    def on_resize(self) -> None:
        """Another width has other columns."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._found is not None:
            text = self.query_one("#text", Static)
            width = self.query_one("#compared").scrollable_content_region.width
            text.update(Text("\n").join(_lines(self.words, self._found, width, self._looks())))

    def _looks(self) -> dict[str, str]:
        colours = self.app.theme_variables
        return {"dim": "dim", "strong": "bold", "ok": colours["success"], "attention": colours["warning"],
                "stopped": colours["error"], "head": f"bold {colours['primary']}", "a": colours["secondary"],
                "b": colours["accent"]}  # fmt: skip

    def action_swap(self) -> None:
        """The other way round."""
        self._runs = (self._runs[1], self._runs[0])
        self._read()

    def action_scroll(self, by: int) -> None:
        """By lines."""
        self.query_one("#compared", VerticalScroll).scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        """Back to the list."""
        self.dismiss(None)


def _lines(words: Words, shown: ComparedRuns.Found, width: int, looks: dict[str, str]) -> Iterator[Text]:
    found = shown.found
    for name, side, said in (("A", found.a, shown.said[0]), ("B", found.b, shown.said[1])):
        look = {True: "ok", False: "attention"}.get(side.adopt, "dim") if side.adopt is not None else "dim"
        yield Text.assemble((f"{name}  ", looks[name.lower()]), (side.run, "bold"),
                            (f"  {state_words(words, side.state)}", "dim"))  # fmt: skip
        for line in fold(Text(clean(said), looks[look]), width - 3):
            yield Text("   ").append_text(line)
    yield Text()
    for sentence, look in conclusions(words, found):
        yield from fold(Text(sentence, looks.get(look, "")), width)
    if found.figures:
        yield Text()
        yield Text(words("runs.figures", n=_photos(found)), looks["head"])
        yield from compared(words, found.figures, width, looks)
    yield Text()
    yield from _differences(words, found, width, looks)


def _photos(found: RunComparison) -> str:
    a, b = found.a.photos, found.b.photos
    return str(a) if a == b else f"{a} / {b}"


def conclusions(words: Words, found: RunComparison) -> Iterator[tuple[str, str]]:
    """What can be said of the two, each sentence with its look."""
    if not found.figures:
        yield words("runs.neither_evaluated"), "attention"
        return
    if not found.same_photos:
        yield words("runs.other_photos"), "attention"
        return
    for outcome, look in (("better", "ok"), ("worse", "stopped")):
        names = [words(f"runs.metric_{f.metric}") for f in found.figures if f.outcome == outcome]
        if names:
            yield words(f"runs.b_is_{outcome}", names=words("runs.and").join(names)), look
    if all(f.outcome in ("open", "unknown") for f in found.figures):
        yield words("runs.none_apart"), ""
    yield words("runs.what_open_means"), "dim"


def _differences(words: Words, found: RunComparison, width: int, looks: dict[str, str]) -> Iterator[Text]:
    if not found.differences:
        yield Text(words("runs.made_alike"), looks["head"])
        return
    yield Text(words("runs.differs", alike=found.alike), looks["head"])
    name = min(_NAME, width // 3)
    value = min((width - name - 2) // 2, _VALUE)
    yield Text(fit("", name) + " " + fit("A", value) + " " + fit("B", value), looks["dim"])
    for d in found.differences:
        label = words(f"runs.data_{d.name.replace(' ', '_')}") if d.kind == "data" else d.name
        left, right = (fold(Text(clean(v)[:400] or words("common.nothing")), value) for v in (d.a, d.b))
        for number in range(max(len(left), len(right))):
            first = Text(fit(label if number == 0 else "", name) + " ")
            for cells, look in ((left, "a"), (right, "b")):
                plain = cells[number].plain if number < len(cells) else ""
                first.append(fit(plain, value) + " ", looks[look])
            first.rstrip()
            yield first
