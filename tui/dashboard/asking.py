"""What a person asks of the run: to pause, to go on, to stop after a checkpoint. Each is a file in the run's folder."""

from typing import Literal

from textual import work
from textual.message import Message

from realign_edge.monitoring.model import RunView
from realign_edge.runs.run import Run
from tui.frame.ask import Confirm
from tui.frame.failure import reason_of
from tui.frame.window import Window

Wish = Literal["pause", "go_on", "stop"]


class Asking(Window):
    """The part of the dashboard that asks. view: the last look, None where there is no run."""

    view: RunView | None = None

    class Refused(Message):
        """The wish could not be written down."""

        def __init__(self, wish: Wish, problem: OSError) -> None:
            super().__init__()
            self.wish, self.problem = wish, problem

    @property
    def live(self) -> bool:
        """Is there a process that can be asked?"""
        view = self.view
        return view is not None and view.replay is None and view.state in ("running", "paused")

    @property
    def paused(self) -> bool:
        """Does it pause, or will it?"""
        view = self.view
        return view is not None and self.live and (view.state == "paused" or view.condition.asked == "pause")

    def action_pause(self) -> None:
        """Pause, or go on."""
        if self.live:
            self._ask("go_on" if self.paused else "pause")

    def action_stop(self) -> None:
        """Stop after a checkpoint, once a person said yes."""
        if self.live:
            words = self.words
            self.app.push_screen(Confirm(words("dashboard.stop_question"), words("dashboard.stop_about")), self._stop)

    def _stop(self, answer: object) -> None:
        if answer and self.live:
            self._ask("stop")

    @work(thread=True, exit_on_error=False, group="ask")
    def _ask(self, wish: Wish) -> None:
        assert self.view is not None
        run = Run(self.context.home / "runs" / self.view.run_id)
        try:
            if wish == "go_on":
                run.clear("pause")
            else:
                run.request(wish)
        except OSError as problem:
            self.post_message(self.Refused(wish, problem))

    def on_asking_refused(self, message: Refused) -> None:
        """A full disk, or a run that is gone."""
        reason = reason_of(message.problem, self.words.language)
        self.notify(
            self.words("dashboard.refused_about"),
            title=self.words(f"dashboard.refused_{message.wish}", reason=reason),
            severity="error",
            timeout=15,
            markup=False,
        )
