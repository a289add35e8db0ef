"""What a run's events have told so far, in memory that does not grow with them."""

from bisect import insort
from collections.abc import Mapping
from typing import Any, Literal, get_args

from realign_edge.monitoring.marks import Marks, number
from realign_edge.monitoring.model import Curve, CurveName, News, Unit, Warned
from realign_edge.monitoring.news import line_of, text
from realign_edge.monitoring.pulse import Pulse
from realign_edge.monitoring.samples import Samples
from realign_edge.monitoring.series import Series
from realign_edge.monitoring.words import known, sentence

Event = Mapping[str, Any]
State = Literal["unknown", "running", "stopped", "failed", "finished"]
CURVES: tuple[CurveName, ...] = get_args(CurveName)
_UNITS: Mapping[CurveName, Unit] = {
    "loss": "none",
    "text_margin": "nats",
    "visual_margin": "nats",
    "text_accuracy": "share",
    "visual_accuracy": "share",
    "chosen_change": "nats",
    "pairs_per_s": "per_second",
    "memory_gib": "gib",
}
_STATES: Mapping[str, State] = {
    "started": "running",
    "stopped": "stopped",
    "failed": "failed",
    "finished": "finished",
}
_MOST_NEWS, _MOST_WARNINGS, _MOST_KINDS = 300, 40, 60


class Story:
    """Takes events one by one. Rare ones may come late: a long log is searched for them while it is shown."""

    def __init__(self) -> None:
        self.latest: dict[str, Event] = {}
        self.marks, self.samples, self.pulse = Marks(), Samples(), Pulse()
        self.state: State = "unknown"
        self.newest = 0.0
        self._turned = 0.0
        self._series = {name: (Series(), Series()) for name in CURVES}
        self._news: list[tuple[float, int, News]] = []
        self._count = 0
        self._warned: dict[str, Warned] = {}

    def take(self, event: Event) -> None:
        """One event; what is none of ours is passed over."""
        kind, time = event.get("type"), number(event, "time")
        if not isinstance(kind, str) or time is None or (kind not in self.latest and len(self.latest) >= _MOST_KINDS):
            return
        self.newest = max(self.newest, time)
        if time >= (number(self.latest.get(kind, {}), "time") or 0.0):
            self.latest[kind] = event
        self.marks.take(kind, event, time)
        if kind in _STATES and time >= self._turned:
            self.state, self._turned = _STATES[kind], time
        if kind == "step":
            self._draw(event, 0)
            self.pulse.step(event)
            return
        if kind == "held_out":
            self._draw(event, 1)
            self.pulse.look(event)
        elif kind == "sample":
            self.samples.take(event, time)
        elif kind == "warning" and not self._warn(event, time):
            return
        self._tell(kind, event, time)

    @property
    def news(self) -> tuple[News, ...]:
        """The last ones, newest last."""
        return tuple(item for _, _, item in self._news)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What was warned of since the last start, newest first."""
        found = [w for w in self._warned.values() if (w.time or 0.0) >= self.marks.since]
        return tuple(sorted(found, key=lambda w: -(w.time or 0.0)))

    def curves(self) -> tuple[Curve, ...]:
        """Those that there are values for."""
        return tuple(self._curve(name, *pair) for name, pair in self._series.items() if pair[0].points())

    @staticmethod
    def _curve(name: CurveName, train: Series, held: Series) -> Curve:
        title = known("curve", name)
        return Curve(name, title, _UNITS[name], train.points(), held.points(), train.last, held.last)

    def _draw(self, event: Event, which: Literal[0, 1]) -> None:
        step = event.get("step")
        if type(step) is not int or not 0 <= step < 2**53:
            return
        for name, pair in self._series.items():
            value = event.get(name)
            if type(value) is float or type(value) is int:
                pair[which].add(step, float(value))

    def _tell(self, kind: str, event: Event, time: float) -> None:
        line = line_of(kind, event)
        if line is not None:
            self._count += 1
            insort(self._news, (time, self._count, News(time, line)), key=lambda item: item[:2])
            del self._news[:-_MOST_NEWS]

    def _warn(self, event: Event, time: float) -> bool:
        """The same words once, however often they were said. Is this something new?"""
        message = text(event, "message")
        before = self._warned.get(message)
        if message and (before is None or time >= (before.time or 0.0)):
            rule = str(event.get("kind") or (before.rule if before else "told"))[:40]
            self._warned[message] = Warned(rule, False, sentence(message), time)
        while len(self._warned) > _MOST_WARNINGS:
            del self._warned[min(self._warned, key=lambda m: self._warned[m].time or 0.0)]
        return before is None and bool(message)
