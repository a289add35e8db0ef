"""The curves of a run: what is small when it goes well, what is to grow, and what must not fall."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.containers import Grid
from textual.widget import Widget

from realign_edge.monitoring.model import CurveName, RunView
from tui.dashboard.chart import Chart, Drawing, Line
from tui.words import Words


@dataclass(frozen=True)
class Plan:
    """One chart. names: the curves of its lines; held_out: the same curve of the held-out pairs is its second line.

    second_rank: shown only where there is room for more than four.
    """

    key: str
    names: tuple[CurveName, ...]
    held_out: bool = False
    bounds: tuple[float, float] | None = None
    level: float | None = None
    scale: float = 1.0
    unit: str = ""
    places: int = 2
    second_rank: bool = False


PLANS = (
    Plan("loss", ("loss",), held_out=True),
    Plan("margin", ("text_margin", "visual_margin"), level=0.0, unit="nats"),
    Plan("accuracy", ("text_accuracy", "visual_accuracy"), bounds=(0.0, 1.0), level=0.5, scale=100, unit="%", places=0),
    Plan("chosen", ("chosen_change",), held_out=True, level=0.0, unit="nats"),
    Plan("speed", ("pairs_per_s",), unit="per_s", places=1, second_rank=True),
    Plan("memory", ("memory_gib",), unit="gib", places=2, second_rank=True),
)


def drawing_of(plan: Plan, view: RunView, words: Words) -> Drawing:
    """What this chart shows of this look."""
    unit = plan.unit if plan.unit in ("", "%") else words(f"dashboard.unit_{plan.unit}")
    return Drawing(
        words(f"dashboard.chart_{plan.key}"),
        list(_lines(plan, view, words)),
        plan.bounds,
        plan.level,
        plan.scale,
        unit,
        plan.places,
        waiting=words("dashboard.no_curve"),
        span=(1.0, float(view.step)),
        below=words("dashboard.step"),
    )


def _lines(plan: Plan, view: RunView, words: Words) -> Iterable[Line]:
    for name in plan.names:
        curve = view.curve(name)
        key = "training" if plan.held_out else name
        yield Line(words(f"dashboard.line_{key}") if curve else "", curve.points if curve else ())
        if plan.held_out and curve is not None and curve.held_out:
            yield Line(words("dashboard.line_held_out"), curve.held_out)


class Curves(Grid):
    """All charts, as many as fit well."""

    def compose(self) -> Iterable[Widget]:
        """A chart per plan."""
        for plan in PLANS:
            yield Chart(Drawing(""), id=f"chart-{plan.key}", classes="second-rank" if plan.second_rank else "")

    def on_resize(self) -> None:
        """More charts where there is room."""
        size = self.content_size
        self.set_class(size.height >= 15, "roomy")
        self.set_class(size.height >= 26 or (size.width >= 150 and size.height >= 14), "six")
        self.set_class(size.width >= 150, "three")

    def tell(self, view: RunView, words: Words) -> None:
        """The curves of this look."""
        for plan, chart in zip(PLANS, self._charts(), strict=True):
            chart.draw(drawing_of(plan, view, words))

    def _charts(self) -> Sequence[Chart]:
        return list(self.query(Chart))
