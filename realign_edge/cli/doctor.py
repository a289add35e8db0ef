"""`realign-edge doctor`: what this machine has, lacks, and what to do about it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from realign_edge.cli.options import Json, print_json

if TYPE_CHECKING:
    from realign_edge.appliance.doctor.model import Check

# A sign and a word each, so that colour is not needed.
_SIGNS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "broken": ("✗", "red"), "absent": ("·", "dim")}


def doctor(
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also every row of the results and every page of the databases.")
    ] = False,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is broken or needs attention.")] = False,
) -> None:
    """Look at everything that decides whether work will succeed: each with its state, the fact, and what to do.

    ✓ good, ! works but needs attention, ✗ broken, · not there and not needed. Exit code 1: something is broken.

    Example:  realign-edge doctor
    """
    from realign_edge.appliance.doctor.examine import examine, patient
    from realign_edge.errors import ExitCode
    from realign_edge.home import home

    who = patient(home(), thorough)
    checks = list(examine(who))
    if as_json:
        print_json({"role": who.role, "healthy": _count(checks, "broken") == 0, "checks": [asdict(c) for c in checks]})
    else:
        _print(who.role, [c for c in checks if not quiet or c.state in ("warn", "broken")], checks)
    if _count(checks, "broken"):
        raise typer.Exit(int(ExitCode.FAILED))


def _count(checks: "list[Check]", state: str) -> int:
    return sum(check.state == state for check in checks)


def _print(role: str, shown: "list[Check]", all_of_them: "list[Check]") -> None:
    from rich.table import Table
    from rich.text import Text

    from realign_edge.cli.console import console
    from realign_edge.photos.text import clean

    group = ""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(min_width=16, no_wrap=True)
    table.add_column(overflow="fold")
    for check in shown:
        if check.group != group:
            group = check.group
            table.add_row("", Text(group, style="bold"), "")
        sign, style = _SIGNS[check.state]
        table.add_row(Text(sign, style=style), Text(check.name), Text(clean(check.fact)))
        if check.fix:
            table.add_row("", "", Text(f"→ {clean(check.fix)}", style=style if style != "dim" else ""))
    out = console()
    out.print(table)
    broken, attention = _count(all_of_them, "broken"), _count(all_of_them, "warn")
    told: Any = (f"{broken} broken" if broken else "", f"{attention} to look at" if attention else "")
    words = ", ".join(filter(None, told)) or "nothing is broken"
    out.print(Text(f"\n{role}: {words}", style="bold"))
