"""`realign-edge report`: what was inspected, or how a model was aligned, as a document."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, print_json, progress_for, say

if TYPE_CHECKING:
    from realign_edge.reports.write import Output
    from realign_edge.runs.run import Run


def report(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[RESULTS-OR-RUN]", help="Results file or its folder, or a run (its folder, name, or `latest`)."
        ),
    ] = "",
    formats: Annotated[str, typer.Option("--format", help="Any of html,pdf,csv,json.")] = "html,pdf,csv,json",
    lang: Annotated[str, typer.Option(help="en or ja [default: the configured language, else en].")] = "",
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("reports"),
    since: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "",
    until: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD; it is included.")] = "",
    lot: Annotated[str, typer.Option(help="Only this lot.")] = "",
    verdict: Annotated[
        str, typer.Option(help="List only photos with this final verdict: PASS, FAIL, REVIEW, RETAKE.")
    ] = "",
    title: Annotated[str, typer.Option(help="In the place of the usual title.")] = "",
    site: Annotated[str, typer.Option(help="Plant or site [default: the configured name].")] = "",
    number: Annotated[str, typer.Option(help="Report number [default: made from date and results].")] = "",
    date: Annotated[
        str, typer.Option(help="Date of issue, ISO 8601 [default: now]; the same gives the same bytes.")
    ] = "",
    timezone: Annotated[
        str, typer.Option(help="Such as Asia/Tokyo [default: the configured one, else this machine's].")
    ] = "",
    photos: Annotated[int, typer.Option(min=0, help="Most inspected photos shown as pictures.")] = 400,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the inspection report of this station's results, or the alignment report of a run.

    The files are named after the report's number; their paths are printed.

    Example:  realign-edge report --since 2026-04-01 --lang ja --site "Plant 2"

    Example:  realign-edge report latest --format html,pdf
    """
    from realign_edge.appliance.load import appliance
    from realign_edge.errors import UsageError
    from realign_edge.reports.language import LANGUAGES
    from realign_edge.reports.write import Output, formats_of
    from realign_edge.reports.zone import zone_of

    configured = appliance().site
    lang = lang or ("en" if configured.language == "auto" else configured.language)
    site, timezone = site or configured.name, timezone or configured.timezone
    if lang not in LANGUAGES:
        raise UsageError(f"unknown language `{lang}`", f"languages: {', '.join(LANGUAGES)}")
    made_at = _moment(date).astimezone(zone_of(timezone))
    output = Output(out, formats_of(formats), lang, photos)
    texts = {"number": number, "title": title, "site": site}
    filters = {"since": since, "until": until, "lot": lot, "verdict": verdict.upper()}
    place = _place(what)
    if isinstance(place, Path):
        about = _inspections(place, output, made_at, texts, filters, quiet)
    elif any(filters.values()):
        names = ", ".join(f"--{name}" for name, value in filters.items() if value)
        raise UsageError(f"{names} can narrow inspection results, not a run", "leave it out, or name results")
    else:
        about = _alignment(place, output, made_at, texts, quiet)
    if as_json:
        print_json(about)
        return
    for path in about["files"]:
        typer.echo(path)


def _moment(text: str) -> datetime:
    from realign_edge.errors import UsageError

    try:
        found = datetime.fromisoformat(text) if text else datetime.now()
    except ValueError:
        raise UsageError(f"`{text}` is no date", "write --date as 2026-04-01 or 2026-04-01T09:00+09:00") from None
    return found.astimezone()


def _place(what: str) -> "Path | Run":
    """The results file, or the run."""
    from realign_edge.home import home
    from realign_edge.runs.run import Run, find_run

    if not what:
        return home() / "results.sqlite"
    path = Path(what).expanduser()
    if (path / "run.json").is_file():
        return Run(path.resolve())
    if path.is_file() or (path / "results.sqlite").is_file():
        return path / "results.sqlite" if path.is_dir() else path
    return find_run(home() / "runs", what)


def _inspections(
    path: Path, output: "Output", made_at: datetime, texts: dict[str, str], filters: dict[str, str], quiet: bool
) -> dict[str, Any]:
    from realign_edge.home import home
    from realign_edge.reports.inspection import Wanted
    from realign_edge.reports.model import Filters
    from realign_edge.reports.station import report_results

    wanted = Wanted(made_at, made_at.tzinfo, Filters(**filters), **texts)  # type: ignore[arg-type]
    made = report_results(path, home(), output, wanted, progress_for(quiet))
    found, problems = made.report, made.problems
    if problems:
        say(f"warning: {path} is not as it was written ({problems} problems); the report says so", quiet)
        say("hint: realign-edge results verify names them", quiet)
    return {
        "report": "inspection",
        "number": found.heading.number,
        "photos": found.summary.photos,
        "listed": len(found.rows),
        "final": {v: s.count for v, s in found.summary.final.items()},
        "refused": len(found.refused),
        "chain_problems": problems,
        "files": [str(file) for file in made.files],
    }


def _alignment(run: "Run", output: "Output", made_at: datetime, texts: dict[str, str], quiet: bool) -> dict[str, Any]:
    from realign_edge.reports.alignment import About, alignment_report
    from realign_edge.reports.write import write_alignment

    found = alignment_report(run, run.folder.parent.parent, About(made_at, **texts))
    files = _written(progress_for(quiet), output, lambda tell: write_alignment(found, output, tell))
    adopt = found.result.adopt if found.result else None
    return {"report": "alignment", "number": found.number, "run": run.run_id, "adopt": adopt, "files": files}


def _written(shown: Any, output: "Output", write: Any) -> list[str]:
    """Write with progress, a step per form."""
    done: list[str] = []
    shown.start("Writing the report", len(output.formats), "forms")

    def tell(name: str) -> None:
        shown.advance(len(done))
        done.append(name)

    paths = write(tell)
    shown.finish(", ".join(output.formats))
    return [str(path) for path in paths]
