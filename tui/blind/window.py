"""The blind test: a photo, two answers, and no word of which model is which before the end."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from realign_edge.evaluation.preference.session import Answer as Chosen
from realign_edge.evaluation.preference.session import BlindSession, Question
from realign_edge.photos.identity import was_replaced
from realign_edge.preferences.review.difference import marked
from realign_edge.runs.run import find_run
from tui.blind.answer import Answer
from tui.blind.telling import end_lines, progress_line
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.marked import marked_content
from tui.frame.picture import Picture
from tui.frame.plain import as_text
from tui.frame.window import Window

Deed = Callable[[BlindSession], str]


class BlindWindow(Window):
    """A key is taken when the choice before it is on the disk; keys in between are not taken."""

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

    class Shown(Message):
        """The photo to choose about (None: no more, and lines tell the end), and what became of the last key.

        replaced: another file lies where the photo was.
        """

        def __init__(
            self, session: BlindSession, question: Question | None, replaced: bool, lines: list[str], said: str
        ) -> None:
            super().__init__()
            self.session, self.question, self.replaced = session, question, replaced
            self.lines, self.said = lines, said

    class Failed(Message):
        """What did not work, and what to do; the same photo stays."""

        def __init__(self, words: str, lasting: bool) -> None:
            super().__init__()
            self.words, self.lasting = words, lasting

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._session: BlindSession | None = None
        self._question: Question | None = None
        self._busy = True

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
        self._sit_down()

    # What the keys do

    def action_choose(self, answer: Chosen) -> None:
        """One choice about the photo that is shown."""
        if (photo := self._take()) is not None:
            self._do(lambda session: session.choose(photo, answer) and f"blind.told_{answer}")

    @on(Answer.Picked)
    def _picked(self, message: Answer.Picked) -> None:
        self.action_choose(message.side)

    def action_skip(self) -> None:
        """The next photo; this one comes again at the end."""
        if (photo := self._take()) is not None:
            self._do(lambda session: session.skip(photo) or "blind.told_skip")

    def action_undo(self) -> None:
        """Take the last own choice back, also after the last photo."""
        if self._session is not None and not self._busy:
            self._busy = True
            self._do(lambda session: "blind.undone" if session.undo() else "blind.nothing_to_undo")

    def _take(self) -> str | None:
        """The photo that a key is about; None where no key is taken now."""
        if self._busy or self._question is None:
            return None
        self._busy = True
        return self._question.photo

    # Work, away from the screen

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _sit_down(self) -> None:
        try:
            run = find_run(self.context.home / "runs", self.context.run)
            self._post(BlindSession(run, self.context.options.person), "")
        except Exception as failure:
            self.post_message(self.Failed(words_of(failure, self.words.language), lasting=True))

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _do(self, deed: Deed) -> None:
        session = self._session
        if session is None:
            return
        try:
            self._post(session, deed(session))
        except Exception as failure:
            self.post_message(self.Failed(words_of(failure, self.words.language), lasting=False))

    def _post(self, session: BlindSession, said: str) -> None:
        question = session.current()
        lines = end_lines(self.words, session) if question is None else []
        other = question is not None and was_replaced(question.path, question.photo)
        self.post_message(self.Shown(session, question, other, lines, said))

    # What is on the screen

    @on(Shown)
    def _show(self, message: Shown) -> None:
        self._session, self._question, self._busy = message.session, message.question, False
        question = message.question
        self.query_one("#said", Static).update(self.words(message.said) if message.said else "")
        self._show_parts(question is not None)
        self._tell_end("\n\n".join(message.lines))
        if question is None:
            self.query_one("#progress", Static).update("")
            return
        self.query_one("#progress", Static).update(progress_line(self.words, message.session, question))
        self.query_one("#asked", Static).update(question.asked)
        texts = marked(question.left, question.right)
        for side, text in zip(("left", "right"), texts, strict=True):
            self.query_one(f"#{side}", Answer).show(marked_content(text))
        photo = self.query_one(Picture)
        photo.border_title = as_text(self.words("blind.photo", name=question.path.name))
        photo.border_subtitle = self.words("blind.replaced") if message.replaced else ""
        photo.show(question.path, question.name)

    @on(Failed)
    def _fail(self, message: Failed) -> None:
        self._busy = False
        if message.lasting:
            self.query_one("#progress", Static).update("")
            self._tell_end(message.words)
        else:
            self.query_one("#said", Static).update(message.words.replace("\n", " · "))

    def _show_parts(self, shown: bool) -> None:
        for part in ("#photo", "#asked", "#answers"):
            self.query_one(part).display = shown

    def _tell_end(self, text: str) -> None:
        """Words in the middle of the window, where there is no photo to choose about."""
        end = self.query_one("#end")
        end.display = bool(text)
        end.query_one(Static).update(text)
