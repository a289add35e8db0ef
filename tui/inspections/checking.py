"""Is every row as it was written? Checked once by itself, and whenever a person asks."""

from textual import on, work
from textual.message import Message

from realign_edge.errors import RealignError
from realign_edge.sentences.translate import spoken
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.tell import Tell
from tui.inspections.feed import Checked, check_chain, known_check
from tui.inspections.following import Following

_PROBLEMS = 40
# Rows from which the check of the chain waits for the list.
_LONG, _CHECK_AFTER_S = 2000, 5.0


class Checking(Following):
    """The part of the window that checks the chain of rows."""

    class ChainChecked(Message):
        """What the check found; None where it could not be made, which was told."""

        def __init__(self, found: Checked | None, asked: bool) -> None:
            super().__init__()
            self.found, self.asked = found, asked

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._checked = known_check(self._feed.path)
        self._checking = False

    @on(Following.News)
    def _check_first(self, message: Following.News) -> None:
        """By itself, once; a long file only when the list has come, which is what the person waits for."""
        last = message.found[1] if message.found is not None else 0
        if self._checked is None and last and not self._checking:
            self._checking = True
            if last > _LONG:
                self.set_timer(_CHECK_AFTER_S, lambda: self._verify(asked=False))
            else:
                self._verify(asked=False)

    def action_verify(self) -> None:
        """Check every row now, and say what is found."""
        if self._last and not self._checking:
            self._checking = True
            self._verify(asked=True)
            self.say_state()

    @work(thread=True, group="verify", exit_on_error=False)
    def _verify(self, asked: bool) -> None:
        found = None
        try:
            found = check_chain(self._feed.path, self.context.now())
        except (RealignError, OSError) as problem:
            self.post_message(self.Failed(words_of(problem, self.words.language)))
        self.post_message(self.ChainChecked(found, asked))

    @on(ChainChecked)
    def _tell_checked(self, message: ChainChecked) -> None:
        """In the line above; and in a dialog where it was asked for."""
        self._checking = False
        self._checked = message.found or self._checked
        self.say_state()
        if message.asked and message.found is not None:
            self.app.push_screen(Tell(self.words("inspections.verify_title"), self._found(message.found)))

    def _found(self, found: Checked) -> str:
        words = self.words
        if not found.problems:
            return words("inspections.verified", n=found.last)
        lines = [
            f"{words('inspections.row', n=p.number)}{words('inspections.colon')}{what}" if p.number else what
            for p in found.problems[:_PROBLEMS]
            for what in [spoken(p.what, words.language)]
        ]
        return "\n".join([*lines, "", words("inspections.verify_do")])
