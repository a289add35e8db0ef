"""What a person says to a verdict: asked for where a key does not say it all, written, told."""

from dataclasses import replace
from typing import Any

from textual import on, work
from textual.message import Message

from realign_edge.errors import RealignError
from realign_edge.photos.text import clean
from realign_edge.results.deciding import DecidedMeanwhile, write_decision
from realign_edge.results.model import Decision, Disposition, Inspection
from tui.context import Context
from tui.frame.ask import Confirm
from tui.frame.failure import words_of
from tui.frame.listing import Listing
from tui.inspections.asking import PassOrFail, TellWhy
from tui.inspections.deciding import Draft, Told, disposition
from tui.inspections.feed import Opened
from tui.inspections.following import Following
from tui.inspections.names import NO_NAMES
from tui.inspections.telling import said_line


class Deciding(Following):
    """The part of the window that decides: one decision at a time, each a row of the file as soon as it is told."""

    class Decided(Message):
        """A decision is safe in the file."""

        def __init__(self, said: Disposition, row: int) -> None:
            super().__init__()
            self.said, self.row = said, row

    class Overtaken(Message):
        """Somebody else decided meanwhile; nothing was written."""

        def __init__(self, mine: Disposition, other: DecidedMeanwhile) -> None:
            super().__init__()
            self.mine, self.other = mine, other

    class Unwritten(Message):
        """Why it is not in the file, in words."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._deciding = False

    def action_agree(self) -> None:
        """The station is right; where it asks, the answer is asked for."""
        self._decide("agree")

    def action_overrule(self) -> None:
        """It is not, and why."""
        self._decide("overrule")

    def action_retake(self) -> None:
        """The photo shows too little."""
        self._decide("retake")

    def action_undo(self) -> None:
        """Nothing is taken back, and why."""
        self.notify(self.words("inspections.no_undo"), markup=False)

    def _decide(self, decision: Decision) -> None:
        row, opened = self._current(), self._opened
        if row is None or self._deciding:
            return
        if opened is None or opened.entry.number != row.number:
            self.notify(self.words("inspections.still_reading"), markup=False)
            return
        content = opened.entry.content
        if not isinstance(content, Inspection):
            self._warn(self.words("inspections.refused_undecidable"))
        elif decision == "agree" and content.verdict != "REVIEW" and self._has_agreed(opened):
            self.notify(self.words("inspections.already"), markup=False)
        else:
            verdict: Any = "FAIL" if decision == "overrule" and content.verdict == "PASS" else None
            seen = opened.decisions[-1].number if opened.decisions else 0
            self._ask(Draft(row.number, content, decision, verdict, seen), opened)

    def _has_agreed(self, opened: Opened) -> bool:
        """Is the newest decision an agreement of the person who sits here?"""
        said, person = opened.said, clean(self.context.options.person)
        return said is not None and (said.decision, said.operator) == ("agree", person)

    def _ask(self, draft: Draft, opened: Opened) -> None:
        """Whatever the decision needs, then it is written."""
        if draft.asks_verdict:
            self._ask_verdict(draft, opened)
        elif draft.fields:
            self._ask_why(draft, opened)
        else:
            self._finish(draft, Told())

    def _ask_verdict(self, draft: Draft, opened: Opened) -> None:
        question = self.words(f"inspections.ask_{draft.decision}", verdict=draft.inspection.verdict)

        def answered(answer: object) -> None:
            if answer in ("PASS", "FAIL"):
                chosen: Any = answer
                self._ask(replace(draft, verdict=chosen), opened)

        self.app.push_screen(PassOrFail(question, self._about(opened)), answered)

    def _ask_why(self, draft: Draft, opened: Opened) -> None:
        words, name = self.words, clean(draft.inspection.name)
        question = words(f"inspections.tell_{draft.decision}", verdict=draft.verdict or "", name=name).strip()
        known = [opened.names.called(name, words.language) for name in opened.names.names("defect")]

        def told(what: object) -> None:
            if isinstance(what, Told):
                self._finish(draft, what.meant(opened.names, words.language))

        given = draft.given(opened.names, words.language)
        screen = TellWhy(question, self._about(opened), draft.fields, draft.needed, given, known)
        self.app.push_screen(screen, told)

    def _about(self, opened: Opened) -> str:
        """What the station said, and that somebody has decided already."""
        content = opened.entry.content
        assert isinstance(content, Inspection)
        description = clean(content.description)
        lines = [clean(content.name),
                 self.words("inspections.station_said", verdict=content.verdict, description=description)]  # fmt: skip
        if opened.said is not None:
            lines += [said_line(self.words, opened.said, opened.names), self.words("inspections.supersedes")]
        return "\n".join(lines)

    def _finish(self, draft: Draft, told: Told) -> None:
        said = disposition(draft, told, self.context.options.person, self.context.now())
        self._go_on = self.query_one(Listing).beside if draft.inspection.verdict == "REVIEW" else None
        self._deciding = True
        self._write(said, draft.seen)

    @work(thread=True, group="decide", exit_on_error=False)
    def _write(self, said: Disposition, seen: int) -> None:
        try:
            entry = write_decision(self._feed.path, said, seen)
        except DecidedMeanwhile as other:
            self.post_message(self.Overtaken(said, other))
        except (RealignError, OSError) as problem:
            self.post_message(self.Unwritten(words_of(problem, self.words.language)))
        else:
            self.post_message(self.Decided(said, entry.number))

    @on(Decided)
    def _tell_decided(self, message: Decided) -> None:
        """Say so, and go on to the next that waits."""
        self._deciding = False
        names = self._opened.names if self._opened is not None else NO_NAMES
        said = said_line(self.words, message.said, names)
        self.notify(self.words("inspections.decided", row=message.row, said=said), markup=False)
        self.look()

    @on(Overtaken)
    def _ask_again(self, message: Overtaken) -> None:
        """Both decisions are kept, if the person still wants this one to count."""
        self._deciding = False
        other, mine = message.other, message.mine
        question = self.words("inspections.meanwhile", person=clean(other.said.operator))
        about = f"{said_line(self.words, other.said)}\n{self.words('inspections.both_stay')}"

        def answered(yes: object) -> None:
            if yes:
                self._deciding = True
                self._write(mine, other.entry.number)
            else:
                self._go_on = None
                self.look()

        self.app.push_screen(Confirm(question, about), answered)

    @on(Unwritten)
    def _tell_unwritten(self, message: Unwritten) -> None:
        self._deciding = False
        self._go_on = None
        self._warn(message.words)
