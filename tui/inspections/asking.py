"""Dialogs of a decision: PASS or FAIL, and what is to be said with it."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Button, Input, Label, Static

from tui.frame.window import Speaking
from tui.inspections.deciding import Told


class PassOrFail(ModalScreen[object], Speaking):
    """What is it? Dismissed with PASS, FAIL, or None by Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "answer('PASS')", "inspections.key_pass"),
        Binding("f", "answer('FAIL')", "inspections.key_fail"),
        Binding("escape", "answer('')", "common.key_cancel"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, about: str) -> None:
        super().__init__()
        self._question, self._about = question, about

    def compose(self) -> ComposeResult:
        """Question, what the station saw, two buttons."""
        with Vertical(classes="dialog small"):
            yield Static(self._question, markup=False, classes="question")
            yield Static(self._about, markup=False, classes="about")
            with Horizontal(classes="buttons"):
                yield Button("p  ✓ PASS", id="PASS")
                yield Button("f  ✗ FAIL", id="FAIL")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id)

    def action_answer(self, answer: str) -> None:
        """By key."""
        self.dismiss(answer or None)


class Field(Input):
    """A line whose cursor stands still: a dialog that blinks is never the same twice, on a screen or for a reader."""

    def on_mount(self) -> None:
        """From the beginning."""
        self.cursor_blink = False


class TellWhy(ModalScreen[object], Speaking):
    """Reason, and with a FAIL what is to be seen; dismissed with `Told`, or None by Escape.

    needed: fields that may not stay empty; known: the plant's names of defects, completed while one types.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "common.key_cancel")]

    def __init__(
        self,
        question: str,
        about: str,
        fields: Sequence[str],
        needed: frozenset[str],
        given: Told,
        known: Sequence[str],
    ) -> None:
        super().__init__()
        self._question, self._about, self._fields = question, about, tuple(fields)
        self._needed, self._given, self._known = needed, given, tuple(known)

    def compose(self) -> ComposeResult:
        """Question, a line for each field, what the keys do."""
        words = self.words
        with Vertical(classes="dialog tell"):
            yield Static(self._question, markup=False, classes="question")
            yield Static(self._about, markup=False, classes="about")
            for name in self._fields:
                with Horizontal(classes="field"):
                    mark = " *" if name in self._needed else ""
                    yield Label(f"{words(f'inspections.field_{name}')}{mark}", markup=False)
                    suggester = Names(self._known) if name == "defects" else None
                    hint = words(f"inspections.hint_{name}")
                    yield Field(getattr(self._given, name), hint, suggester=suggester, id=name, compact=True)
            yield Static(id="missing", classes="attention", markup=False)
            yield Static(words("inspections.tell_hint"), markup=False, classes="dim")

    def on_mount(self) -> None:
        """The first field."""
        self.query_one(f"#{self._fields[0]}", Input).focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        said = {name: self.query_one(f"#{name}", Input).value.strip() for name in self._fields}
        # A FAIL says what is to be seen in either of two ways.
        seen = {"defects": said.get("defects") or said.get("note", "")}
        empty = [name for name in self._fields if name in self._needed and not {**said, **seen}[name]]
        if empty:
            names = ", ".join(self.words(f"inspections.field_{name}") for name in empty)
            self.query_one("#missing", Static).update(self.words("inspections.missing", names=names))
            self.query_one(f"#{empty[0]}", Input).focus()
        else:
            self.dismiss(Told(**said))

    def action_cancel(self) -> None:
        """Nothing was said."""
        self.dismiss(None)


class Names(Suggester):
    """Completes the last of several names that are separated by `;`."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = tuple(names)

    async def get_suggestion(self, value: str) -> str | None:
        """The line with the name completed."""
        before, separator, begun = value.rpartition(";")
        typed = begun.lstrip()
        if not typed:
            return None
        found = next((n for n in self._names if n.casefold().startswith(typed.casefold()) and n != typed), None)
        if found is None:
            return None
        return before + separator + begun[: len(begun) - len(typed)] + typed + found[len(typed) :]
