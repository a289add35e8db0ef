"""Which windows there are, in the order of their tabs and keys. A window's code is loaded when it is first opened."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui.context import Context

RoomName = Literal["dashboard", "review", "blind", "runs", "inspections"]


@dataclass(frozen=True)
class Room:
    """name: also the section of its words, whose `tab` is its title; key: opens it from every other window."""

    name: RoomName
    key: str
    module: str
    window: str

    def open(self, context: "Context") -> "Screen[object]":
        """A new window of this room."""
        made: Screen[object] = getattr(import_module(self.module), self.window)(context)
        return made


ROOMS = (
    Room("dashboard", "f2", "tui.dashboard.window", "DashboardWindow"),
    Room("review", "f3", "tui.review.window", "ReviewWindow"),
    Room("blind", "f4", "tui.blind.window", "BlindWindow"),
    Room("runs", "f5", "tui.runs.window", "RunsWindow"),
    Room("inspections", "f6", "tui.inspections.window", "InspectionsWindow"),
)
BY_NAME = {room.name: room for room in ROOMS}
