"""Someone sits down before items that come one after another and does one thing about each; pair review, blind test."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from textual import on, work
from textual.message import Message
from textual.widgets import Static

from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.window import Window


class Session(Protocol):
    """Who sits there, and what comes next. Each call is on the disk when it returns."""

    def skip(self, item: str, /) -> object:
        """The next one; this one comes again at the end."""
        ...

    def undo(self) -> object:
        """Take the last own decision back; nothing, None or False where there is none."""
        ...


# seen: what there is to show now, gathered away from the screen.
Sits = TypeVar("Sits", bound=Session)
Seen = TypeVar("Seen")


class Sitting(Window, Generic[Sits, Seen]):
    """A key is taken when what the key before it did is on the disk, and shown after that.

    While that is under way, further keys are not taken: nobody decides about what was not seen. Derived classes give
    `session_of`, `look`, `about`, `show` and `tell_end`, and a Static `#said`.
    """

    class Shown(Message):
        """What there is to see now, and the name of the words for what became of the last key ("": none)."""

        def __init__(self, session: Any, seen: Any, said: str) -> None:
            super().__init__()
            self.session, self.seen, self.said = session, seen, said

    class Failed(Message):
        """What did not work, and what to do; what was seen stays. lasting: nobody could sit down."""

        def __init__(self, words: str, lasting: bool) -> None:
            super().__init__()
            self.words, self.lasting = words, lasting

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.session: Sits | None = None
        self.seen: Seen | None = None
        self._busy = True

    def session_of(self, context: Context) -> Sits:
        """Sit down; away from the screen."""
        raise NotImplementedError

    def look(self, session: Sits) -> Seen:
        """What there is to see now; away from the screen."""
        raise NotImplementedError

    def about(self, seen: Seen) -> str | None:
        """What a key would be about; None where nothing is left."""
        raise NotImplementedError

    def show(self, seen: Seen, before: Seen | None) -> None:
        """Put it on the screen; before: what was there."""
        raise NotImplementedError

    def tell_end(self, text: str) -> None:
        """Why nobody could sit down, in the middle of the window."""
        raise NotImplementedError

    def why(self, failure: Exception) -> str:
        """Words for what did not work."""
        return words_of(failure, self.words.language)

    @property
    def item(self) -> str | None:
        """What a key is about now; None where none is taken."""
        return None if self._busy or self.seen is None else self.about(self.seen)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def sit_down(self) -> None:
        """Nothing is there to show before."""
        try:
            self._post(self.session_of(self.context), "")
        except Exception as failure:
            self.post_message(self.Failed(self.why(failure), lasting=True))

    def decide(self, deed: Callable[[Sits, str], object], said: str) -> None:
        """Do one thing about the item that is shown, where a key is taken."""
        if (item := self.item) is not None:
            self._busy = True
            self._do(lambda session: (deed(session, item), said)[1])

    def action_skip(self) -> None:
        """The next one; this one comes again at the end."""
        self.decide(lambda session, item: session.skip(item), f"{self.ROOM}.told_skip")

    def action_undo(self) -> None:
        """Take the last own decision back, also after the last item."""
        if self.session is not None and not self._busy:
            self._busy = True
            self._do(lambda session: f"{self.ROOM}.{'undone' if session.undo() else 'nothing_to_undo'}")

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _do(self, deed: Callable[[Sits], str]) -> None:
        session = self.session
        if session is None:
            return
        try:
            self._post(session, deed(session))
        except Exception as failure:
            self.post_message(self.Failed(self.why(failure), lasting=False))

    def _post(self, session: Sits, said: str) -> None:
        self.post_message(self.Shown(session, self.look(session), said))

    @on(Shown)
    def _take_over(self, message: Shown) -> None:
        before = self.seen
        self.session, self.seen, self._busy = message.session, message.seen, False
        self.say(self.words(message.said) if message.said else "")
        self.show(message.seen, before)

    @on(Failed)
    def _tell_failure(self, message: Failed) -> None:
        self._busy = False
        if message.lasting:
            self.tell_end(message.words)
        else:
            self.say(message.words.replace("\n", " · "))

    def say(self, text: str) -> None:
        """What became of the last key."""
        self.query_one("#said", Static).update(text)
