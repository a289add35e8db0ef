"""The blind test: a photo, two answers, and no word of which model is which before the end."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Static

from realign_edge.evaluation.preference.session import Answer as Chosen
from realign_edge.evaluation.preference.session import BlindSession
from realign_edge.preferences.review.difference import marked
from tui.blind.answer import Answer
from tui.blind.seat import Look, look, session_of
from tui.context import Context
from tui.frame.marked import marked_content
from tui.frame.picture import Picture
from tui.frame.plain import as_text
from tui.frame.sitting import Sitting


class BlindWindow(Sitting[BlindSession, Look]):
    """What was chosen is told by no other word than its side."""

    ROOM = "blind"
    CSS_PATH = Path("window.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,l,1", "choose('left')", "blind.key_left", key_display="←"),
        Binding("right,r,2", "choose('right')", "blind.key_right", key_display="→"),
        Binding("t,equals_sign", "choose('tie')", "blind.key_tie", key_display="t"),
        Binding("b", "choose('bad')", "blind.key_bad"),
        Binding("n,space", "skip", "blind.key_skip", key_display="n"),
        Binding("u", "undo", "blind.key_undo"),
    ]

    def body(self) -> Iterable[Widget]:
        """Progress, photo, question, answers, what became of the last key."""
        yield Static(self.words("blind.opening"), id="progress", markup=False)
        yield Picture(id="photo")
        yield Static(id="asked", markup=False)
        yield Horizontal(
            Answer("left", self.words("blind.left")), Answer("right", self.words("blind.right")), id="answers"
        )
        yield Container(Static(markup=False), id="end")
        yield Static(id="said", markup=False)

    def on_mount(self) -> None:
        """Read the answers; nothing is there to show before."""
        self._show_parts(False)
        self.sit_down()

    def session_of(self, context: Context) -> BlindSession:
        """Before the answers of the run that the context names."""
        return session_of(context)

    def look(self, session: BlindSession) -> Look:
        """The next photo."""
        return look(session, self.words)

    def about(self, seen: Look) -> str | None:
        """The photo."""
        return None if seen.question is None else seen.question.photo

    def action_choose(self, answer: Chosen) -> None:
        """One choice about the photo that is shown."""
        self.decide(lambda session, photo: session.choose(photo, answer), f"blind.told_{answer}")

    @on(Answer.Picked)
    def _picked(self, message: Answer.Picked) -> None:
        self.action_choose(message.side)

    def show(self, seen: Look, before: Look | None) -> None:  # noqa: ARG002
        """Photo and answers, or the end."""
        question = seen.question
        self.query_one("#progress", Static).update(seen.progress)
        self._show_parts(question is not None)
        self._say_in_the_middle("\n\n".join(seen.lines))
        if question is None:
            return
        self.query_one("#asked", Static).update(question.asked)
        texts = marked(question.left, question.right)
        for side, text in zip(("left", "right"), texts, strict=True):
            self.query_one(f"#{side}", Answer).show(marked_content(text))
        photo = self.query_one(Picture)
        photo.border_title = as_text(self.words("blind.photo", name=question.path.name))
        photo.border_subtitle = self.words("blind.replaced") if seen.replaced else ""
        photo.show(question.path, question.name)

    def _show_parts(self, shown: bool) -> None:
        for part in ("#photo", "#asked", "#answers"):
            self.query_one(part).display = shown

    def tell_end(self, text: str) -> None:
        """Nobody could sit down."""
        self.query_one("#progress", Static).update("")
        self._say_in_the_middle(text)

    def _say_in_the_middle(self, text: str) -> None:
        end = self.query_one("#end")
        end.display = bool(text)
        end.query_one(Static).update(text)
