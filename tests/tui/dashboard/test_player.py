"""The clock of a replay: hurried, slowed, held, at its end, from its start."""

from pathlib import Path

from realign_edge.monitoring.model import Condition, Looking, RunView, Told
from realign_edge.runs.run import Run
from tui.dashboard.source import Player


class Clocked:
    """Tells which clock it was looked at with; ends at 1000 s."""

    def __init__(self) -> None:
        self.clocks: list[float] = []
        self.stepped = 0

    def look(self, now: float) -> RunView:
        self.clocks.append(now)
        condition = Condition("ok", "well", Told("Well.", "順調です。"))
        return RunView("run", now, "running", condition, (), replay=10.0, replayed=now >= 1000)

    def step_sample(self, by: int = 1) -> None:
        self.stepped += by


def player() -> tuple[Player, list[Clocked]]:
    made: list[Clocked] = []

    def opener(run: Run, speed: float) -> Looking:
        assert speed == 10.0
        made.append(Clocked())
        return made[-1]

    return Player(Run(Path("run")), 10.0, opener), made


def test_time_passes_as_it_does_until_it_is_changed() -> None:
    play, made = player()
    assert [play.look(100.0 + second).replay for second in range(3)] == [10.0, 10.0, 10.0]
    assert made[0].clocks == [0.0, 1.0, 2.0]
    play.move("faster")
    assert play.look(103.0).replay == 20.0
    play.move("slower")
    play.move("slower")
    assert play.look(104.0).replay == 5.0
    assert made[0].clocks[-2:] == [4.0, 4.5]


def test_held_time_stands_still_and_goes_on_where_it_was() -> None:
    play, made = player()
    play.look(100.0)
    play.move("hold")
    assert play.look(150.0).replay == 0.0
    play.move("hold")
    play.look(151.0)
    assert made[0].clocks == [0.0, 0.0, 1.0]


def test_end_goes_on_until_the_end_is_reached_and_start_begins_anew() -> None:
    play, made = player()
    play.look(100.0)
    play.move("end")
    assert play.look(101.0).replayed
    play.move("start")
    assert not play.look(102.0).replayed
    assert len(made) == 2 and made[1].clocks == [0.0]
    play.step_sample(2)
    assert made[1].stepped == 2


def test_speed_has_bounds() -> None:
    play, _ = player()
    for _ in range(40):
        play.move("faster")
    assert play.speed == 1e4
    for _ in range(40):
        play.move("slower")
    assert play.speed == 0.25
