"""A window: tabs above, its body, its keys below. Every window derives from it and composes only its body."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Footer

from tui.context import Context
from tui.frame.steady import Steady
from tui.frame.tabs import Tabs
from tui.words import Speaks, Words, words_in

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from tui.rooms import RoomName


class Speaking(Steady):
    """A screen whose bindings are described by names of our words (`section.key`), shown in the reader's language."""

    @property
    def words(self) -> Words:
        """Of the language that the application shows now."""
        return cast("Speaks", self.app).words

    @property
    def active_bindings(self) -> "dict[str, ActiveBinding]":
        """As Textual gives them, in words."""
        words = self.words
        found = super().active_bindings
        return {key: a._replace(binding=_worded(words, a.binding)) for key, a in found.items()}


def _worded(words: Words, binding: Binding) -> Binding:
    """Ours are described by a name among the words; Textual's own are known by what they do."""
    own = f"common.action_{binding.action.rpartition('.')[2]}"
    name = next((name for name in (binding.description, own) if words.knows(name)), None)
    return binding if name is None else replace(binding, description=words(name))


class Window(Speaking):
    """One of the rooms on screen. Derived classes give `ROOM`, `BINDINGS`, `CSS_PATH` and `body`.

    It is built anew each time that it is opened; what it shows and what was decided lie on disk.
    """

    ROOM: "RoomName"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    @property
    def words(self) -> Words:
        """Of the language that this window was opened in."""
        return words_in(self.context.options.language)

    def body(self) -> Iterable[Widget]:
        """The widgets between tabs and keys, from above to below."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Tabs, body, keys."""
        yield Tabs(self.ROOM, self.words)
        with Container(id="body"):
            yield from self.body()
        yield Footer(show_command_palette=False)
