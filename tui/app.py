"""The application: themes, words, tabs and keys that every window has. What a window shows is its own affair."""

import gc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import Screen

from tui.context import Context, Language, ThemeName
from tui.frame.fold import folded
from tui.frame.help import HelpScreen
from tui.frame.plain import NoControls
from tui.frame.steady import Palette, Steady
from tui.frame.too_small import LEAST, TooSmall
from tui.rooms import BY_NAME, ROOMS, RoomName
from tui.themes import THEMES
from tui.words import Words, words_in

if TYPE_CHECKING:
    from textual import events


# By then the first window has what it shows.
_SETTLED_S = 3.0
_NO_CONTROLS = NoControls()
# Of a notice: its width, and the cells of it that border and padding take.
_NOTICE, _FRAME = 60, 4


class RealignApp(App[None]):
    """One window at a time; F2 to F6 and the tabs change it, and each starts anew where it was left.

    room: the window that opens first.
    """

    CSS_PATH = Path("frame/frame.tcss")
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,question_mark", "help", "common.key_help", key_display="?"),
        Binding("q,ctrl+q", "quit", "common.key_quit", key_display="q"),
        Binding("ctrl+t", "next_theme", "common.key_theme", show=False),
        Binding("ctrl+l", "next_language", "common.key_language", show=False),
        Binding("ctrl+z", "suspend_process", "common.key_suspend", show=False),
        *(Binding(room.key, f"room('{room.name}')", f"{room.name}.tab", show=False) for room in ROOMS),
    ]

    def __init__(self, context: Context, room: RoomName = "dashboard") -> None:
        super().__init__()
        self.context = context
        self.room: RoomName = room
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = context.options.theme
        self.title = "realign-edge"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and the one that keeps what comes from outside from speaking to the terminal."""
        return [*super().get_line_filters(), _NO_CONTROLS]

    @property
    def words(self) -> Words:
        """Of the language that is shown now."""
        return words_in(self.context.options.language)

    def get_default_screen(self) -> Steady:
        """What lies under every window."""
        return Steady(id="_default")

    def on_mount(self) -> None:
        """The first window."""
        self.push_screen(BY_NAME[self.room].open(self.context))
        self._check_size(self.size)

    def on_ready(self) -> None:
        """What is there by now stays, and the collector leaves it out: to walk it took 40 ms every few seconds."""
        if not self.is_headless:
            self.set_timer(_SETTLED_S, gc.freeze)

    def on_resize(self, event: "events.Resize") -> None:
        """A terminal may become too small for any window, and large again."""
        self._check_size(event.size)

    def action_room(self, name: RoomName) -> None:
        """Another window in the place of this one; dialogs that are open are left first."""
        if name == self.room and len(self.screen_stack) == 2:
            return
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.room = name
        self.switch_screen(BY_NAME[name].open(self.context))

    def open_run(self, run: str, room: RoomName = "dashboard") -> None:
        """Show a window of another run from now on."""
        self.context = replace(self.context, run=run, speed=None)
        self.room = room
        self.switch_screen(BY_NAME[room].open(self.context))

    def action_help(self) -> None:
        """Every key of this window with what it does."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen.active_bindings, self.room))

    def action_next_theme(self) -> None:
        """Dark, light, high contrast."""
        names: list[ThemeName] = ["dark", "light", "contrast"]
        name = names[(names.index(self.context.options.theme) + 1) % len(names)]
        self.context = replace(self.context, options=replace(self.context.options, theme=name))
        self.theme = name

    def action_next_language(self) -> None:
        """The other language; the window is opened again, which loses nothing: all that it shows is stored."""
        other: Language = "ja" if self.context.options.language == "en" else "en"
        self.context = replace(self.context, options=replace(self.context.options, language=other))
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.switch_screen(BY_NAME[self.room].open(self.context))

    def action_command_palette(self) -> None:
        """Textual's own, on a screen like the others."""
        if self.use_command_palette and not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(Palette(self.words("common.search"), self.words("common.search_nothing")))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: the windows, then what every window can do."""
        words = self.words
        for room in ROOMS:
            yield SystemCommand(
                words(f"{room.name}.tab"), words(f"{room.name}.about"), lambda name=room.name: self.action_room(name)
            )
        for name in ("help", "next_theme", "next_language", "quit"):
            title, about = words(f"common.command_{name}"), words(f"common.about_{name}")
            yield SystemCommand(title, about, getattr(self, f"action_{name}"))
        for active in screen.active_bindings.values():
            if active.node is screen and active.enabled:
                action = active.binding.action
                yield SystemCommand(active.binding.description, active.binding.key_display or active.binding.key,
                                    lambda action=action: self.call_later(screen.run_action, action))  # fmt: skip

    def notify(self, message: str, **how: Any) -> None:
        """Folded as the language does, to the width of a notice: the least of 60 cells and half a terminal."""
        width = min(_NOTICE, self.size.width // 2) - _FRAME
        super().notify(folded(Text(message), width).plain, **how)

    def _check_size(self, size: Size) -> None:
        small = size.width < LEAST[0] or size.height < LEAST[1]
        told = isinstance(self.screen, TooSmall)
        if small and not told:
            self.push_screen(TooSmall())
        elif told and not small:
            self.pop_screen()
