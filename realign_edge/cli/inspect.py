"""`realign-edge inspect`: verdicts with their reasons."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet

Bundle = Annotated[Path | None, typer.Option(help="Folder of a bundle, instead of the installed one.")]
Threads = Annotated[int, typer.Option(min=0, help="Threads that compute; 0 = half of the cores this process may use.")]


def inspect(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    bundle: Bundle = None,
    station: Annotated[str, typer.Option(help="This station's name.")] = "",
    operator: Annotated[str, typer.Option(help="Who inspects.")] = "",
    lot: Annotated[str, typer.Option(help="The lot of all these photos.")] = "",
    serial: Annotated[str, typer.Option(help="The serial number of all these photos.")] = "",
    name_pattern: Annotated[
        str, typer.Option(help="What file names say, for instance '{lot}_{serial}_*'; also {station}, {operator}.")
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Go on and inspect what arrives in the folder.")] = False,
    done: Annotated[
        Path | None, typer.Option(help="With --watch: where inspected photos are moved; without it they stay.")
    ] = None,
    quarantine: Annotated[
        Path, typer.Option(help="With --watch: where refused files are moved, the reason beside them.")
    ] = Path("quarantine"),
    settle: Annotated[float, typer.Option(min=0.0, help="With --watch: seconds that a file must be left alone.")] = 1.0,
    patience: Annotated[
        float, typer.Option(min=0.0, help="With --watch: seconds that a broken file is given to become whole.")
    ] = 30.0,
    every: Annotated[float, typer.Option(min=0.1, help="With --watch: seconds between two looks.")] = 1.0,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 unless every photo passed.")] = False,
    threads: Threads = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Describe and judge photos: PASS, FAIL, or REVIEW for a person, and why.

    Lot, serial number and station are taken from the options, else from the records beside the photos, else from the
    file name. A file that is no photo is named with the reason, and the rest goes on. Exit code 3: none could be read.
    Every verdict becomes a row of the results, which `realign-edge results` shows.

    With --watch, photos are inspected as they arrive in the folder, each once, until Ctrl-C or SIGTERM (exit code 0),
    one line each on stderr, or one JSON object a line on stdout. Names in --done and --quarantine that are not
    absolute lie in the watched folder. Started again, it goes on where it was.

    Example:  realign-edge inspect ./incoming --name-pattern '{lot}_{serial}_*'
    Example:  realign-edge inspect --watch ./incoming --done done --station S1
    """
    from realign_edge.errors import ExitCode, MissingError
    from realign_edge.home import home
    from realign_edge.results.store import Results
    from realign_edge.station.arrivals import arrivals
    from realign_edge.station.inspector import Context
    from realign_edge.station.record import recorded
    from realign_edge.station.work import inspect_all

    if watch:
        given = Context(station=station, operator=operator, lot=lot, serial=serial)
        moving = (done, quarantine, settle, patience, every)
        _watch(photos, bundle, threads, given, name_pattern, moving, as_json, quiet)
        return
    found = arrivals(photos, Context(station=station, operator=operator, lot=lot, serial=serial), name_pattern)
    if not found:
        raise MissingError(f"no photos in {', '.join(map(str, photos))}", "JPEG, PNG, WebP, TIFF and BMP are read")
    with Results.open(home(), station) as results:
        said = inspect_all(open_inspector(bundle, threads), found)
        shown = _shown(recorded(results, home(), found, said), len(found), as_json, quiet)
    if not shown.inspections:
        raise MissingError(f"none of the {len(found)} files could be read", "the reasons are above")
    if strict and any(i.verdict != "PASS" for i in shown.inspections):
        raise typer.Exit(int(ExitCode.GATE))


def _watch(
    photos: list[Path],
    bundle: Path | None,
    threads: int,
    given: Any,
    pattern: str,
    moving: Any,
    as_json: bool,
    quiet: bool,
) -> None:
    from realign_edge.cli.watching import current_inspector, watch_folder, watch_settings
    from realign_edge.errors import UsageError

    if len(photos) != 1:
        raise UsageError("one folder can be watched at a time", "name the folder above them; folders below are watched")

    def opened(teller: Any) -> Any:
        return current_inspector(bundle, lambda: open_inspector(bundle, threads), teller)

    folder = photos[0].resolve()
    watch_folder(folder, opened, given, pattern, watch_settings(folder, *moving), as_json, quiet)


def open_inspector(bundle: Path | None, threads: int) -> Any:
    """The inspector of the named or the installed bundle; nothing of one that was tampered with is loaded.

    Raises:
        BundleError: the bundle is not whole, or not signed by a key that this machine trusts.
    """
    import os

    from realign_edge.bundle.keys import own_key
    from realign_edge.bundle.trust import trusted_keys
    from realign_edge.bundle.verify import verify_bundle
    from realign_edge.home import home
    from realign_edge.station.find import find_bundle
    from realign_edge.station.inspector import Inspector

    folder = find_bundle(home(), bundle)
    verify_bundle(folder, trusted_keys(home()).plus(own_key(home())))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Inspector(folder, threads or max(1, cores // 2))


def _shown(results: Any, total: int, as_json: bool, quiet: bool) -> Any:
    """Run through the results; rows on the terminal as they come, or one JSON object at the end."""
    import sys

    from realign_edge.cli.inspect_view import Rows, as_plain
    from realign_edge.cli.options import print_json, progress_for
    from realign_edge.station.work import Done

    done = Done()
    rows = None if as_json else Rows()
    # Rows on a terminal are progress enough, and a bar would tear them.
    progress = progress_for(quiet or (rows is not None and sys.stdout.isatty()))
    progress.start("Inspecting", total)
    for number, result in enumerate(results, 1):
        done.take(result)
        if rows is not None:
            rows.show(result)
        progress.advance(number)
    progress.finish(done.counted())
    if rows is None:
        print_json(as_plain(done))
    else:
        rows.end(done)
    return done
