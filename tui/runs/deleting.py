"""Runs are deleted: planned in a thread, asked about once, removed in a thread, told."""

from collections.abc import Sequence

from textual import on, work
from textual.message import Message

from realign_edge.carry.sizes import gib
from realign_edge.evaluation.preference.choices import count_choices
from realign_edge.runs.prune import Removal, all_but, removal, remove
from tui.frame.ask import AskText, Confirm
from tui.frame.failure import words_of
from tui.runs.reading import Reading
from tui.runs.rows import RunRow
from tui.words import Words

# Names in a question are told one by one up to here.
_NAMED = 6
_KEEP = 5


class Deleting(Reading):
    """The part of the window that deletes."""

    class Planned(Message):
        """What would be deleted."""

        def __init__(self, planned: Removal) -> None:
            super().__init__()
            self.planned = planned

    class Deleted(Message):
        """What was done, or why it was not."""

        def __init__(self, words: str, failed: bool = False) -> None:
            super().__init__()
            self.words, self.failed = words, failed

    def action_delete(self) -> None:
        """Those that are marked, else the one under the cursor."""
        row = self.current
        names = self._marked or ([row.run_id] if row else [])
        if names:
            self._plan([self._rows[name] for name in names])

    def action_prune(self) -> None:
        """All but the newest."""
        if self._rows:
            question = self.words("runs.how_many_stay", n=len(self._rows))
            self.app.push_screen(AskText(question, str(_KEEP)), self._keep)

    def _keep(self, answer: object) -> None:
        if not isinstance(answer, str):
            return
        if not answer.isascii() or not answer.isdigit():
            self.tell(self.words("runs.no_number", text=answer), failed=True)
            return
        oldest_first = list(reversed(self._rows.values()))
        names = {run.run_id for run in all_but([row.run for row in oldest_first], int(answer))}
        self._plan([row for row in oldest_first if row.run_id in names])

    @work(thread=True, group="plan", exit_on_error=False)
    def _plan(self, rows: Sequence[RunRow]) -> None:
        self.post_message(self.Planned(removal(row.run for row in rows)))

    @on(Planned)
    def _ask_once(self, message: Planned) -> None:
        planned, words = message.planned, self.words
        if not planned.gone:
            self.tell(words("runs.all_alive" if planned.spared else "runs.nothing_to_delete"), failed=True)
            return
        question = words("runs.delete", n=len(planned.gone), size=gib(planned.size))

        def answered(yes: object) -> None:
            if yes:
                self._remove(planned)

        self.app.push_screen(Confirm(question, _about(words, planned)), answered)

    @work(thread=True, group="remove", exit_on_error=False)
    def _remove(self, planned: Removal) -> None:
        try:
            done = remove(planned)
        except OSError as problem:
            self.post_message(self.Deleted(words_of(problem, self.words.language), failed=True))
            return
        words = self.words("runs.deleted", n=len(done.gone), size=gib(done.size))
        if len(done.spared) > len(planned.spared):
            words = f"{words} {self.words('runs.alive_meanwhile')}"
        self.post_message(self.Deleted(words))

    @on(Deleted)
    def _tell_deleted(self, message: Deleted) -> None:
        """The list is read anew."""
        self.tell(message.words, message.failed)
        self._marked = []
        self.look()


def _about(words: Words, planned: Removal) -> str:
    """Which runs go, what goes with them, how many stay since they are alive."""
    names = [run.run_id for run in planned.gone]
    lines = names[:_NAMED]
    if len(names) > _NAMED:
        lines.append(words("runs.and_more", n=len(names) - _NAMED))
    lines.append(words("runs.what_goes"))
    if choices := sum(count_choices(run.folder) for run in planned.gone):
        lines.append(words("runs.choices_go", n=choices))
    if planned.spared:
        lines.append(words("runs.stay", n=len(planned.spared)))
    return "\n".join(lines)
