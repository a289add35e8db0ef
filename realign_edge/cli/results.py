"""`realign-edge results`: what the station said, what people decide about it, and whether all is as it was written."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.inspections import review
from realign_edge.cli.options import Json, Quiet, print_json, progress_for, say

app = typer.Typer(help="Verdicts, people's decisions about them, and their safe keeping.", no_args_is_help=True)
app.command()(review)
Where = Annotated[Path | None, typer.Option("--results", help="A results file or a backup, instead of this station's.")]
Number = Annotated[int, typer.Argument(min=1, help="Number of the row.")]


@app.command("list")
def list_rows(
    verdict: Annotated[str, typer.Option(help="Only PASS, FAIL or REVIEW.")] = "",
    lot: Annotated[str, typer.Option(help="Only this lot.")] = "",
    since: Annotated[str, typer.Option(help="From this day or time on, such as 2026-04-01.")] = "",
    until: Annotated[str, typer.Option(help="Up to this day, included, or this time.")] = "",
    review: Annotated[bool, typer.Option("--review", help="Only what waits for a person to decide.")] = False,
    last: Annotated[int, typer.Option(min=0, help="So many of the newest; 0 = all.")] = 40,
    where: Where = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List what was said, oldest first. Times are this machine's.

    Example:  realign-edge results list --review

    Example:  realign-edge results list --verdict FAIL --lot L2604 --since 2026-04-01
    """
    from realign_edge.cli.results_view import line, plain
    from realign_edge.cli.results_words import query

    wanted = query(verdict, lot, since, until, review, last)
    with _read(where) as results:
        found = list(results.entries(query=wanted))
        if as_json:
            print_json({"rows": [plain(e, results.decisions(e.number)) for e in found], "head": _head(results)})
            return
        for entry in found:
            typer.echo(line(entry, results.decisions(entry.number)))
        if not found:
            say("nothing waits for a decision" if review else "no such rows", quiet)
        elif last and len(found) == last:
            say(f"the newest {last} rows; --last 0 shows all", quiet)
        elif review:
            say(f"{len(found)} wait; decide with: realign-edge results decide NUMBER agree|overrule|retake", quiet)


@app.command()
def show(number: Number, where: Where = None, as_json: Json = False, quiet: Quiet = False) -> None:  # noqa: ARG001
    """Show one row: the verdict, why, what it was compared with, and what people decided.

    Example:  realign-edge results show 12
    """
    from realign_edge.cli.results_view import page, plain
    from realign_edge.errors import MissingError

    with _read(where) as results:
        entry = results.entry(number)
        if entry is None:
            there = results.head().entries
            raise MissingError(f"there is no row {number}", f"the last one is {there}" if there else "there are none")
        said = results.decisions(number)
    if as_json:
        print_json(plain(entry, said))
    else:
        typer.echo(page(entry, said))


@app.command()
def decide(
    number: Number,
    decision: Annotated[str, typer.Argument(help="agree, overrule or retake.")],
    operator: Annotated[str, typer.Option(help="Who decides.")],
    verdict: Annotated[str, typer.Option(help="PASS or FAIL, where it overrules or answers a REVIEW.")] = "",
    reason: Annotated[str, typer.Option(help="Why; needed where it overrules.")] = "",
    note: Annotated[str, typer.Option(help="What is really to be seen: the next alignment learns from it.")] = "",
    part: Annotated[str, typer.Option(help="The part, where the station took it for another.")] = "",
    defects: Annotated[str, typer.Option(help="What is really there, separated by `;`.")] = "",
    locations: Annotated[str, typer.Option(help="Where, in the order of the defects.")] = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Decide about a verdict. It becomes a row of its own; the verdict itself never changes, a later decision counts.

    Example:  realign-edge results decide 12 agree --operator Ito
    Example:  realign-edge results decide 12 overrule --verdict FAIL --defects dent --reason "missed it" --operator Ito
    """
    from realign_edge.cli.results_view import plain
    from realign_edge.cli.results_words import disposition
    from realign_edge.errors import MissingError
    from realign_edge.home import home
    from realign_edge.results.store import FILE, Results

    if not (home() / FILE).exists():
        raise MissingError(f"no results at {home() / FILE}", "inspect photos first: realign-edge inspect PHOTOS")
    with Results.open(home()) as results:
        about = results.entry(number)
        texts = (operator, verdict, reason, note, part, defects, locations)
        entry = results.append(disposition(number, about, decision, *texts))
    if as_json:
        print_json(plain(entry, ()))
    say(f"row {entry.number}: {operator} decided about row {number}: {decision} {verdict}".rstrip(), quiet)


@app.command()
def verify(
    expect: Annotated[str, typer.Option(help="A head from a report, NUMBER:HASH; the hash may be cut to 8.")] = "",
    where: Where = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check that all is as it was written: any edit, deletion, insertion, reordering or cut-off end is named.

    Somebody who may write to this disk can rewrite the whole file and its head, and nothing in them shows it. The
    head that every report prints does, if it was kept elsewhere: --expect compares with it. Exit code 1: something is
    wrong.

    Example:  realign-edge results verify --expect 1204:9f2c51ab
    """
    from realign_edge.cli.results_words import head_from
    from realign_edge.errors import ExitCode

    wanted = head_from(expect) if expect else None
    with _read(where) as results:
        problems, head = results.verify(wanted, progress_for(quiet or as_json)), results.head()
        behind = results.behind() if not problems else 0
    if as_json:
        found = [{"row": p.number, "what": p.what} for p in problems]
        whole = {"whole": not problems, "problems": found, "head_behind": behind}
        print_json({"rows": head.entries, "hash": head.hash, **whole})
    for problem in problems[:20] if not as_json else ():
        typer.echo(f"row {problem.number} {problem.what}" if problem.number else problem.what)
    if problems:
        several = f"{len(problems)} problems" if len(problems) > 1 else "a problem"
        say(f"{several}; keep the file as it is, and compare it with a backup", quiet)
        raise typer.Exit(int(ExitCode.FAILED))
    if not as_json:
        typer.echo(f"whole: {head.entries} rows, head {head.entries}:{head.hash}")
    if behind:
        say("results.head does not know the newest row yet: a stop came between the two, or it is being written", quiet)
        say("hint: `realign-edge maintain run --only integrity`, or the next row, puts it right", quiet)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(metavar="FILE.csv|FOLDER", help="Where the records are written.")],
    photos: Annotated[Path | None, typer.Option(help="Folder where the photos lie now: they are copied along.")] = None,
    agreed: Annotated[bool, typer.Option("--agreed", help="Verdicts that people agreed with, too.")] = False,
    where: Where = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write what people decided against the station, or where it asked, as records for the next `align`.

    Example:  realign-edge results export ./corrections --photos ./incoming/done
    """
    from realign_edge.errors import MissingError
    from realign_edge.results.records import decided
    from realign_edge.results.records import export as write

    with _read(where) as results:
        rows = decided(results.entries(), agreed)
    if not rows:
        raise MissingError("nobody has overruled a verdict or answered a REVIEW yet", "see `results list --review`")
    done = write(rows, target, photos)
    if as_json:
        print_json({"records": str(done.records), "rows": done.rows, "missing": list(done.missing)})
    for name in done.missing[:20]:
        why = f"not found below {photos}" if photos else "several photos had this name; --photos tells them apart"
        say(f"left out: {name} ({why})", quiet)
    goes_on = f"align them with: realign-edge align {done.records.parent}"
    say(f"{done.rows} records in {done.records}; " + (goes_on if photos else "lay it beside the photos"), quiet)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Copy the results with their head, whole, also while photos are inspected. Never copy the file itself.

    Example:  realign-edge results backup /media/usb/results-2026-04-01.sqlite
    """
    with _read(None) as results:
        head = results.backup(target)
    if as_json:
        print_json({"backup": str(target), "rows": head.entries, "hash": head.hash})
    say(f"{head.entries} rows in {target}, head {head.entries}:{head.hash}", quiet)


def _read(where: Path | None) -> Any:
    from realign_edge.home import home
    from realign_edge.results.store import Results

    return Results.read(where or home())


def _head(results: Any) -> dict[str, Any]:
    head = results.head()
    return {"rows": head.entries, "hash": head.hash}
