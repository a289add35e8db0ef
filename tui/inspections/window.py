"""Inspections: what waits for a person first, the photo with its evidence, one key for each decision."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from realign_edge.errors import RealignError, UsageError
from realign_edge.photos.text import clean
from realign_edge.results.deciding import DecidedMeanwhile, write_decision
from realign_edge.results.follow import Row
from realign_edge.results.model import Decision, Disposition, Inspection
from realign_edge.station.watching.pulse import WatcherPulse
from tui.context import Context
from tui.frame.ask import Confirm
from tui.frame.failure import words_of
from tui.frame.listing import Listing, Pieces
from tui.frame.plain import as_text
from tui.frame.tell import Tell
from tui.frame.window import Window
from tui.inspections.asking import PassOrFail, TellWhy
from tui.inspections.deciding import Draft, Told, disposition, names_of_defects
from tui.inspections.enlarged import Enlarged, views_of
from tui.inspections.evidence import Evidence
from tui.inspections.feed import Checked, Feed, Opened, check_chain, known_check, open_row, photo_folders, station_home
from tui.inspections.reporting import AskReport, Order, write_report
from tui.inspections.telling import FILTERS, arranged, chain_line, row_line, said_line, watcher_line

_EVERY_S = 1.0
_PROBLEMS = 40
# Rows from which the check of the chain waits for the list.
_LONG, _CHECK_AFTER_S = 2000, 5.0


class InspectionsWindow(Window):
    """What is shown lies in the results file; decisions are rows of it as soon as they are told."""

    ROOM = "inspections"
    CSS_PATH = Path("window.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "agree", "inspections.key_agree"),
        Binding("o", "overrule", "inspections.key_overrule"),
        Binding("t", "retake", "inspections.key_retake"),
        Binding("1", "filter('all')", "inspections.key_all", show=False),
        Binding("2", "filter('review')", "inspections.key_review", show=False),
        Binding("3", "filter('fail')", "inspections.key_failed", show=False),
        Binding("4", "filter('pass')", "inspections.key_passed", show=False),
        Binding("d", "days", "inspections.key_days"),
        Binding("r", "report", "inspections.key_report"),
        Binding("v", "verify", "inspections.key_verify"),
        Binding("enter", "enlarge", "inspections.key_enlarge", show=False),
        Binding("u", "undo", "inspections.key_undo", show=False),
        Binding("left,h", "scroll(-3)", "inspections.key_scroll_up", show=False),
        Binding("right,l", "scroll(3)", "inspections.key_scroll_down", show=False),
    ]

    class News(Message):
        """What one look found; rows is None where nothing is new, trouble is "" where all is well."""

        def __init__(self, found: tuple[tuple[Row, ...], int, bool] | None, pulse: WatcherPulse | None, trouble: str):
            super().__init__()
            self.found, self.pulse, self.trouble = found, pulse, trouble

    class Shown(Message):
        """One row in full."""

        def __init__(self, number: int, opened: Opened | None) -> None:
            super().__init__()
            self.number, self.opened = number, opened

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

    class ChainChecked(Message):
        """What the check found; None where it could not be made, which was told."""

        def __init__(self, found: Checked | None, asked: bool) -> None:
            super().__init__()
            self.found, self.asked = found, asked

    class Wrote(Message):
        """A report lies there, or why it does not."""

        def __init__(self, files: Sequence[Path], photos: int, problems: int, trouble: str = "") -> None:
            super().__init__()
            self.files, self.photos, self.problems, self.trouble = files, photos, problems, trouble

    class Failed(Message):
        """Something that did not work, in words."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._feed = Feed(context)
        self._seen: dict[int, Row] = {}
        self._last, self._cut = 0, False
        self._pulse: WatcherPulse | None = None
        self._trouble = ""
        self._opened: Opened | None = None
        self._filter, self._all_days = "all", False
        self._looking = self._opening = self._checking = self._writing = self._deciding = False
        self._checked = known_check(self._feed.path)
        self._go_on: Hashable | None = None

    def body(self) -> Iterable[Widget]:
        """Watcher and chain; the list; the row under the cursor; or one sentence in the place of both."""
        yield Horizontal(Static(id="watcher", markup=False), Static(id="chain", markup=False), id="state")
        yield Horizontal(Listing(self._line, id="list", classes="panel"), Evidence(self.words), id="both")
        yield Static(self.words("inspections.opening"), id="none", classes="empty", markup=False)

    def on_mount(self) -> None:
        """Look at once, and then every second."""
        self.query_one("#both").display = False
        self.query_one(Listing).focus()
        self._look()
        self.set_interval(_EVERY_S, self._look)

    def on_resize(self) -> None:
        """More room for the photos on a large terminal."""
        for name, yes in (
            ("wide", self.size.width >= 110),
            ("wider", self.size.width >= 160),
            ("tall", self.size.height >= 45),
        ):
            self.query_one("#both").set_class(yes, name)
        self._entitle()
        self.call_after_refresh(self._say_state)

    def _line(self, key: Hashable, width: int) -> Pieces:
        today = datetime.fromtimestamp(self.context.now()).strftime("%Y-%m-%d")
        return row_line(self._seen[int(str(key))], width, today)

    # Reading

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            self._read(self._all_days)

    @work(thread=True, group="look", exit_on_error=False)
    def _read(self, all_days: bool) -> None:
        found, pulse, trouble = None, None, ""
        try:
            pulse = self._feed.pulse()
            found = self._feed.look(all_days)
        except Exception as problem:
            trouble = words_of(problem)
        self.post_message(self.News(found, pulse, trouble))

    def on_inspections_window_news(self, message: News) -> None:
        """Show it."""
        self._looking = False
        self._pulse, was = message.pulse, self._trouble
        self._trouble = message.trouble
        if message.found is not None:
            rows, self._last, self._cut = message.found
            self._seen = {row.number: row for row in rows}
        if message.found is not None or message.trouble != was:
            self._arrange()
            if self._checked is None and self._last and not self._checking:
                self._check_soon()
        self._say_state()

    def _arrange(self) -> None:
        """The list anew; the cursor stays on its row, or goes on from one that was just decided."""
        numbers = arranged(tuple(self._seen.values()), self._filter)
        self.query_one("#both").display = bool(self._seen)
        self.query_one("#none").display = not self._seen
        self.query_one("#none", Static).update(self._trouble or self._nothing())
        listing = self.query_one(Listing)
        go_on, self._go_on = self._go_on, None
        listing.show(numbers, go_on if go_on in numbers else None)
        self._entitle()
        self._show_row()

    def _entitle(self) -> None:
        """How many of each, in words where there is room; which days and verdicts the list is cut to."""
        listing = self.query_one(Listing)
        counts = {name: sum(1 for r in self._seen.values() if r.final in finals) for name, finals in FILTERS.items()}
        narrow = self.size.width < 110
        title = "inspections.title_short" if narrow else "inspections.title"
        listing.border_title = self.words(title, review=counts["review"], fail=counts["fail"], passed=counts["pass"])
        days = self.words("inspections.all_days" if self._all_days else "inspections.today")
        kind = self.words(f"inspections.only_{self._filter}")
        listing.border_subtitle = f"{days} · {kind}" + (f" · {self.words('inspections.cut')}" if self._cut else "")

    def _nothing(self) -> str:
        return self.words("inspections.empty_all" if self._all_days else "inspections.empty_today")

    @on(Listing.Moved)
    def _moved(self, event: Listing.Moved) -> None:
        if not isinstance(event, Listing.Picked):
            self._show_row()

    def _show_row(self) -> None:
        row = self._current()
        evidence = self.query_one(Evidence)
        evidence.border_subtitle = as_text(
            self.words("inspections.as_person", person=clean(self.context.options.person))
        )
        known = self._opened if self._opened and row and self._opened.entry.number == row.number else None
        evidence.show(row, known)
        if row is None:
            evidence.query_one("#told", Static).update(self.words("inspections.none_of_these"))
            return
        if known is None or len(known.decisions) == 0 or known.decisions[-1].number != row.said_row:
            self._open_next(row.number)

    def _open_next(self, number: int) -> None:
        """One at a time: over what a fast cursor passes, nothing is read."""
        if not self._opening:
            self._opening = True
            self._open(number)

    @work(thread=True, group="open", exit_on_error=False)
    def _open(self, number: int) -> None:
        opened = None
        try:
            opened = open_row(self.context, number, photo_folders(self.context, self._pulse))
        except (RealignError, OSError) as problem:
            self.post_message(self.Failed(words_of(problem)))
        self.post_message(self.Shown(number, opened))

    def on_inspections_window_shown(self, message: Shown) -> None:
        """If the cursor is still there; else the row that it is on now."""
        self._opening, row = False, self._current()
        if row is not None and row.number == message.number:
            self._opened = message.opened
            self.query_one(Evidence).show(row, message.opened)
        elif row is not None:
            self._open_next(row.number)

    def _current(self) -> Row | None:
        key = self.query_one(Listing).current
        return None if key is None else self._seen.get(int(str(key)))

    def _say_state(self) -> None:
        width = self.size.width
        chain = self.query_one("#chain", Static)
        text, look = chain_line(self.words, self._checked, self._last, self._checking)
        chain.update(text if self._last else "")
        chain.set_classes(look)
        watcher = self.query_one("#watcher", Static)
        if self._writing:
            text, look = self.words("inspections.report_under_way"), "attention"
        elif self._trouble and self._seen:
            text, look = f"! {self._trouble.splitlines()[0]}", "stopped"
        else:
            text, look = watcher_line(self.words, self._pulse, width - chain.size.width)
        watcher.update(text)
        watcher.set_classes(look)

    # Which rows

    def action_filter(self, name: str) -> None:
        """All, those that wait, FAIL, PASS."""
        self._filter = name
        self._arrange()

    def action_days(self) -> None:
        """Today's, or those of all days."""
        self._all_days = not self._all_days
        self._look()

    def action_scroll(self, by: int) -> None:
        """The text of the row."""
        self.query_one(Evidence).scroll_text(by)

    @on(Listing.Picked)
    def _picked(self) -> None:
        self.action_enlarge()

    def action_enlarge(self) -> None:
        """The photo, and those that it was compared with, one at a time as large as the terminal."""
        if self._opened is not None and (views := views_of(self.words, self._opened)):
            self.app.push_screen(Enlarged(views))

    # Deciding

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
            return
        said = opened.decisions[-1].content if opened.decisions else None
        person = clean(self.context.options.person)
        if decision == "agree" and isinstance(said, Disposition) and content.verdict != "REVIEW" \
                and (said.decision, said.operator) == ("agree", person):  # fmt: skip
            self.notify(self.words("inspections.already"), markup=False)
            return
        seen = opened.decisions[-1].number if opened.decisions else 0
        self._ask(Draft(row.number, content, decision, "FAIL" if decision == "overrule" and content.verdict == "PASS"
                        else None, seen), opened)  # fmt: skip

    def _ask(self, draft: Draft, opened: Opened) -> None:
        """Whatever the decision needs, then it is written."""
        words = self.words
        name = clean(draft.inspection.name)
        if draft.asks_verdict:
            question = words(f"inspections.ask_{draft.decision}", verdict=draft.inspection.verdict)

            def answered(answer: object) -> None:
                if answer in ("PASS", "FAIL"):
                    chosen: Any = answer
                    self._ask(replace(draft, verdict=chosen), opened)

            self.app.push_screen(PassOrFail(question, self._about(opened)), answered)
        elif draft.fields:
            verdict = draft.verdict or ""
            question = words(f"inspections.tell_{draft.decision}", verdict=verdict, name=name).strip()
            known = names_of_defects(station_home(self.context), draft.inspection.bundle_id, self.words.language)

            def told(what: object) -> None:
                if isinstance(what, Told):
                    self._finish(draft, what)

            screen = TellWhy(question, self._about(opened), draft.fields, draft.needed, draft.given, known)
            self.app.push_screen(screen, told)
        else:
            self._finish(draft, Told())

    def _about(self, opened: Opened) -> str:
        """What the station said, and that somebody has decided already."""
        content = opened.entry.content
        assert isinstance(content, Inspection)
        lines = [f"{clean(content.name)}", self.words("inspections.station_said", verdict=content.verdict,
                                                      description=clean(content.description))]  # fmt: skip
        said = opened.decisions[-1].content if opened.decisions else None
        if isinstance(said, Disposition):
            lines += [said_line(self.words, said), self.words("inspections.supersedes")]
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
        except UsageError as problem:
            self.post_message(self.Failed(words_of(problem)))
        except (RealignError, OSError) as problem:
            self.post_message(self.Failed(words_of(problem)))
        else:
            self.post_message(self.Decided(said, entry.number))

    def on_inspections_window_decided(self, message: Decided) -> None:
        """Say so, and go on to the next that waits."""
        self._deciding = False
        said = message.said
        self.notify(self.words("inspections.decided", row=message.row, said=said_line(self.words, said)), markup=False)
        self._look()

    def on_inspections_window_overtaken(self, message: Overtaken) -> None:
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
                self._look()

        self.app.push_screen(Confirm(question, about), answered)

    def on_inspections_window_failed(self, message: Failed) -> None:
        """Nothing was written."""
        self._deciding = False
        self._go_on = None
        self._warn(message.words)

    def _warn(self, words: str) -> None:
        self.notify(words, severity="warning", markup=False, timeout=8)

    # The chain

    def action_verify(self) -> None:
        """Check every row now, and say what is found."""
        if self._last and not self._checking:
            self._check(asked=True)
            self._say_state()

    def _check_soon(self) -> None:
        """By itself, once; a long file only when the list has come, which is what the person waits for."""
        self._checking = True
        if self._last > _LONG:
            self.set_timer(_CHECK_AFTER_S, lambda: self._verify(asked=False))
        else:
            self._verify(asked=False)

    def _check(self, asked: bool) -> None:
        self._checking = True
        self._verify(asked)

    @work(thread=True, group="verify", exit_on_error=False)
    def _verify(self, asked: bool) -> None:
        found = None
        try:
            found = check_chain(self._feed.path, self.context.now())
        except (RealignError, OSError) as problem:
            self.post_message(self.Failed(words_of(problem)))
        self.post_message(self.ChainChecked(found, asked))

    def on_inspections_window_chain_checked(self, message: ChainChecked) -> None:
        """In the line above; and in a dialog where it was asked for."""
        self._checking = False
        self._checked = message.found or self._checked
        self._say_state()
        if message.asked and message.found is not None:
            self._tell_check(message.found)

    def _tell_check(self, found: Checked) -> None:
        words = self.words
        if not found.problems:
            text = words("inspections.verified", n=found.last)
        else:
            lines = [f"{words('inspections.row', n=p.number)}: {p.what}" if p.number else p.what
                     for p in found.problems[:_PROBLEMS]]  # fmt: skip
            text = "\n".join([*lines, "", words("inspections.verify_do")])
        self.app.push_screen(Tell(words("inspections.verify_title"), text))

    # The report

    def action_report(self) -> None:
        """Ask for forms and folder."""
        if self._seen and not self._writing:
            self.app.push_screen(AskReport(station_home(self.context) / "reports", self._all_days), self._ordered)

    def _ordered(self, order: object) -> None:
        if isinstance(order, Order):
            self._writing = True
            self._say_state()
            self._report(order)

    @work(thread=True, group="report", exit_on_error=False)
    def _report(self, order: Order) -> None:
        try:
            made = write_report(self.context, order)
        except Exception as problem:
            self.post_message(self.Wrote((), 0, 0, words_of(problem)))
        else:
            self.post_message(self.Wrote(made.files, made.report.summary.photos, made.problems))

    def on_inspections_window_wrote(self, message: Wrote) -> None:
        """Where it lies."""
        self._writing = False
        self._say_state()
        if message.trouble:
            self._warn(message.trouble)
            return
        words, files = self.words, [str(path) for path in message.files]
        more = [words("inspections.report_broken", n=message.problems)] if message.problems else []
        title = words("inspections.report_done", n=message.photos)
        self.app.push_screen(Tell(title, "\n".join([*files, *more]), files[0] if files else ""))
