"""One held-out photo: what the model said of it before, what it says now, and what of that is not there."""

from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll

from realign_edge.monitoring.model import Answer, RunView, SampleView
from tui.dashboard.still import Still
from tui.frame.fold import folded
from tui.frame.picture import Picture
from tui.frame.plain import as_text
from tui.words import Words

ABSENT = "✗"


def marked(answer: Answer, colour: str) -> Text:
    """An answer; what is not in the photo has a sign before it and a line below it."""
    text = Text()
    for piece in answer.pieces:
        if piece.mark != "absent":
            text.append(piece.text)
            continue
        bare = piece.text.lstrip()
        text.append(piece.text[: len(piece.text) - len(bare)])
        text.append(ABSENT + bare, style=f"bold underline {colour}")
    return text


def sample_text(sample: SampleView, words: Words, colours: dict[str, str]) -> Text:
    """Both answers, what the record says, what the signs mean, and what was asked."""
    wrong, heading = colours.get("error", ""), f"bold {colours.get('primary', '')}"
    text = Text()
    for title, answer in (
        (words("dashboard.before"), sample.before),
        (words("dashboard.now", step=f"{sample.step:,}"), sample.now),
    ):
        text.append(f"{title}\n", style=heading)
        text.append_text(marked(answer, wrong))
        if answer.missed:
            text.append("\n" + words("dashboard.missed", what=", ".join(answer.missed)), style="dim italic")
        text.append("\n")
    if sample.record:
        text.append(words("dashboard.record") + "\n", style=heading)
        text.append(sample.record + "\n")
    if sample.before.absent or sample.now.absent:
        text.append(words("dashboard.absent", sign=ABSENT) + "\n", style="dim")
    text.append(words("dashboard.asked", question=sample.question), style="dim")
    return text


class Sample(Horizontal):
    """Photo and words."""

    _told: tuple[RunView, Words] | None = None
    _photo: Path | None = None

    def compose(self) -> ComposeResult:
        """The photo left, the words right, or one sentence where there is no sample yet."""
        yield Picture(id="sample-photo")
        with VerticalScroll(id="sample-words"):
            yield Still(markup=False)

    def on_resize(self) -> None:
        """Folded to the new width, once the parts have theirs."""
        self.call_after_refresh(self._show)

    def tell(self, view: RunView, words: Words) -> None:
        """The sample of this look."""
        self._told = view, words
        self.set_class(view.sample is None, "none")
        sample = view.sample
        self.border_title = f"2 {words('dashboard.pane_sample')}"
        if sample is not None:
            self.border_title = as_text(
                words("dashboard.sample_of", n=sample.number, count=sample.count, name=sample.name)
            )
            if sample.photo != self._photo:
                self._photo = sample.photo
                self.query_one(Picture).show(sample.photo, sample.name)
        self._show()

    def _show(self) -> None:
        if self._told is None:
            return
        view, words = self._told
        said = self.query_one(Still)
        if view.sample is None:
            going = view.state in ("running", "paused", "unknown")
            said.put(Text(words("dashboard.no_sample" if going else "dashboard.kept_no_sample")))
        elif said.content_size.width:
            text = sample_text(view.sample, words, self.app.theme_variables)
            said.put(folded(text, said.content_size.width))
