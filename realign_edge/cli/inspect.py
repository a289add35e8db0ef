"""`realign-edge inspect`: verdicts with their reasons."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet

Bundle = Annotated[Path | None, typer.Option(help="Folder of a bundle, instead of the installed one.")]
Threads = Annotated[
    int | None,
    typer.Option(min=0, help="Threads that compute; 0 = half of the cores this process may use [default: 0]."),
]


def inspect(
    photos: Annotated[
        list[Path] | None, typer.Argument(help="Photos, or folders of photos; with --watch, the configured folder.")
    ] = None,
    bundle: Bundle = None,
    station: Annotated[str | None, typer.Option(help="This station's name.")] = None,
    operator: Annotated[str | None, typer.Option(help="Who inspects.")] = None,
    lot: Annotated[str, typer.Option(help="The lot of all these photos.")] = "",
    serial: Annotated[str, typer.Option(help="The serial number of all these photos.")] = "",
    name_pattern: Annotated[
        str | None,
        typer.Option(help="What file names say, for instance '{lot}_{serial}_*'; also {station}, {operator}."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on and inspect what arrives in the folder.")] = False,
    done: Annotated[
        Path | None, typer.Option(help="With --watch: where inspected photos are moved; without it they stay.")
    ] = None,
    quarantine: Annotated[
        Path | None,
        typer.Option(help="With --watch: where refused files are moved, the reason beside them [default: quarantine]."),
    ] = None,
    settle: Annotated[
        float | None, typer.Option(min=0.0, help="With --watch: seconds that a file must be left alone [default: 1].")
    ] = None,
    patience: Annotated[
        float | None,
        typer.Option(min=0.0, help="With --watch: seconds that a broken file is given to become whole [default: 30]."),
    ] = None,
    every: Annotated[
        float | None, typer.Option(min=0.1, help="With --watch: seconds between two looks [default: 1].")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 unless every photo passed.")] = False,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Describe and judge photos: PASS, FAIL, or REVIEW for a person, and why.

    Lot, serial number and station are taken from the options, else from the records beside the photos, else from the
    file name. A file that is no photo is named with the reason, and the rest goes on. Exit code 3: none could be read.
    Every verdict becomes a row of the results, which `realign-edge results` shows.

    With --watch, photos are inspected as they arrive in the folder, each once, until Ctrl-C or SIGTERM (exit code 0),
    one line each on stderr, or one JSON object a line on stdout. Names in --done and --quarantine that are not
    absolute lie in the watched folder. Started again, it goes on where it was. Options that are left out are taken
    from [site] and [inspect] of the configuration file (`realign-edge config show`).

    Example:  realign-edge inspect ./incoming --name-pattern '{lot}_{serial}_*'

    Example:  realign-edge inspect --watch ./incoming --done done --station S1
    """
    from realign_edge.appliance.inspecting import inspecting
    from realign_edge.errors import ExitCode, MissingError, UsageError
    from realign_edge.home import home
    from realign_edge.results.store import Results
    from realign_edge.station.arriving.arrivals import arrivals
    from realign_edge.station.arriving.context import Context
    from realign_edge.station.inspecting.record import recorded
    from realign_edge.station.inspecting.work import inspect_all

    how = inspecting(
        station=station, operator=operator, name_pattern=name_pattern, done=done, quarantine=quarantine,
        settle_s=settle, patience_s=patience, every_s=every, threads=threads,
    )  # fmt: skip
    given = Context(station=how.station, operator=how.operator, lot=lot, serial=serial)
    if watch:
        folders = photos or ([how.folder] if how.folder else [])
        moving = (how.done, how.quarantine, how.settle_s, how.patience_s, how.every_s)
        _watch(folders, bundle, how.threads, given, how.name_pattern, moving, as_json, quiet)
        return
    if not photos:
        raise UsageError("no photos are named", "name photos or folders; --watch alone takes the configured folder")
    found = arrivals(photos, given, how.name_pattern)
    if not found:
        raise MissingError(f"no photos in {', '.join(map(str, photos))}", "JPEG, PNG, WebP, TIFF and BMP are read")
    with Results.open(home(), how.station) as results:
        said = inspect_all(open_inspector(bundle, how.threads), found)
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

    if not photos:
        raise UsageError("no folder is named", "name one, or set `folder` under [inspect] in the configuration file")
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
    from realign_edge.station.inspecting.inspector import Inspector

    folder = find_bundle(home(), bundle)
    verify_bundle(folder, trusted_keys(home()).plus(own_key(home())))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Inspector(folder, threads or max(1, cores // 2))


def _shown(results: Any, total: int, as_json: bool, quiet: bool) -> Any:
    """Run through the results; rows on the terminal as they come, or one JSON object at the end."""
    import sys

    from realign_edge.cli.inspect_view import Rows, as_plain
    from realign_edge.cli.options import print_json, progress_for
    from realign_edge.station.inspecting.work import Done

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
