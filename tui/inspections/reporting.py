"""The report of what is shown: ordered in a dialog, written in a thread, its place told."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from textual import on, work
from textual.message import Message

from realign_edge.progress import Silent
from realign_edge.reports.inspection import Wanted
from realign_edge.reports.model import Filters
from realign_edge.reports.station import Made, report_results
from realign_edge.reports.write import Output, formats_of
from realign_edge.reports.zone import zone_of
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.tell import Tell
from tui.inspections.ask_report import AskReport, Order
from tui.inspections.feed import results_file, station_home
from tui.inspections.following import Following


class Reporting(Following):
    """The part of the window that writes reports, one at a time."""

    class Wrote(Message):
        """A report lies there, or why it does not."""

        def __init__(self, files: Sequence[Path], photos: int, problems: int, trouble: str = "") -> None:
            super().__init__()
            self.files, self.photos, self.problems, self.trouble = files, photos, problems, trouble

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._writing = False

    def action_report(self) -> None:
        """Ask for forms and folder."""
        if self._seen and not self._writing:
            self.app.push_screen(AskReport(station_home(self.context) / "reports", self._all_days), self._ordered)

    def _ordered(self, order: object) -> None:
        if isinstance(order, Order):
            self._writing = True
            self.say_state()
            self._report(order)

    @work(thread=True, group="report", exit_on_error=False)
    def _report(self, order: Order) -> None:
        try:
            made = write_report(self.context, order)
        except Exception as problem:
            self.post_message(self.Wrote((), 0, 0, words_of(problem, self.words.language)))
        else:
            self.post_message(self.Wrote(made.files, made.report.summary.photos, made.problems))

    @on(Wrote)
    def _tell_report(self, message: Wrote) -> None:
        """Where it lies."""
        self._writing = False
        self.say_state()
        if message.trouble:
            self._warn(message.trouble)
            return
        words, files = self.words, [str(path) for path in message.files]
        more = [words("inspections.report_broken", n=message.problems)] if message.problems else []
        title = words("inspections.report_done", n=message.photos)
        self.app.push_screen(Tell(title, "\n".join([*files, *more]), files[0] if files else ""))


def write_report(context: Context, order: Order) -> Made:
    """In the language of the window.

    Raises:
        RealignError: the results cannot be read.
        OSError: a file cannot be written.
    """
    made_at = datetime.fromtimestamp(context.now()).astimezone().astimezone(zone_of(""))
    today = made_at.date().isoformat()
    filters = Filters() if order.all_days else Filters(since=today, until=today)
    wanted = Wanted(made_at, made_at.tzinfo or zone_of(""), filters)
    output = Output(Path(order.folder).expanduser(), formats_of(order.forms), context.options.language)
    return report_results(results_file(context), context.home, output, wanted, Silent())
