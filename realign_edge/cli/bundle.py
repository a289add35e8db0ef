"""`realign-edge bundle`: verify, install, list, roll back and prune the bundles of a station."""

from pathlib import Path
from typing import Annotated

import typer

from realign_edge.cli import bundle_keys
from realign_edge.cli.options import Json, Quiet, print_json, progress_for, say

app = typer.Typer(help="What an inspection station runs: signed bundles.", no_args_is_help=True)
app.add_typer(bundle_keys.app, name="keys", short_help="Keys that bundles are signed with.")
Trust = Annotated[Path | None, typer.Option("--trust", help="Key file of the workstation, to be trusted from now on.")]
TrustThis = Annotated[
    bool, typer.Option("--trust-this-key", help="Trust whatever key signed this bundle, and show its fingerprint.")
]
Name = Annotated[str, typer.Argument(help="Installed bundle, or the start of its id [default: the active one].")]


@app.command()
def verify(
    path: Annotated[Path | None, typer.Argument(help="Folder of a bundle [default: the active bundle].")] = None,
    trust: Annotated[Path | None, typer.Option("--trust", help="Key file to check with, this once.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check signature and files of a bundle.

    Every changed, missing or extra file is named, and the exit code is then 1. Nothing of the bundle is loaded.

    Example:  realign-edge bundle verify /media/usb/3f2a9c1b77d0e4a5 --trust workstation.pub
    """
    from realign_edge.bundle.errors import BundleError
    from realign_edge.bundle.keys import own_key, read_public
    from realign_edge.bundle.store import current
    from realign_edge.bundle.trust import check_not_revoked, trusted_keys
    from realign_edge.bundle.verify import verify as check
    from realign_edge.cli.bundle_view import verified_lines
    from realign_edge.home import home
    from realign_edge.runs.signals import stop_on_signals

    # What this machine signed itself it may check, whatever else it trusts.
    keys = trusted_keys(home()).plus(own_key(home()))
    if trust is not None:
        key = read_public(trust.expanduser())
        check_not_revoked(home(), key)
        keys = keys.plus([key])
    folder = path.expanduser() if path is not None else current(home())
    try:
        with stop_on_signals() as stopping:
            found = check(folder, keys, progress_for(quiet), stopping)
    except BundleError as problem:
        if as_json:
            problems = [{"kind": p.kind, "path": p.path, "about": p.about} for p in problem.problems]
            print_json({"bundle": str(folder), "sound": False, "error": problem.message, "problems": problems})
        raise
    if as_json:
        about = {"sound": True, "id": found.manifest.id, "files": len(found.manifest.files), "problems": []}
        print_json({"bundle": str(folder), **about, "key": found.signer.id, "key_label": found.signer.label})
        return
    typer.echo(verified_lines(found))


@app.command()
def install(
    path: Annotated[Path, typer.Argument(help="Folder of a bundle (a stick, too), .tar or .tar.gz.")],
    trust: Trust = None,
    trust_this: TrustThis = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Copy a bundle to this machine and make it the active one.

    Only a bundle that is signed with a trusted key is copied, and it becomes active once it has answered as expected
    about the golden photos that it brings. Until then, and if that fails, the bundle before stays active.

    Example:  realign-edge bundle install /media/usb/bundle.tar --trust /media/usb/workstation.pub
    """
    from realign_edge.bundle.admission import admitted
    from realign_edge.bundle.install import install as take_in
    from realign_edge.bundle.keys import read_public
    from realign_edge.bundle.trust import trust as remember
    from realign_edge.cli.bundle_view import installed_lines
    from realign_edge.home import home
    from realign_edge.runs.signals import stop_on_signals
    from realign_edge.station.inspecting.selftest import self_test

    key = read_public(trust.expanduser()) if trust is not None else None
    with stop_on_signals() as stopping:
        progress, place = progress_for(quiet), path.expanduser()
        keys, new = admitted(home(), place, key, trust_this, stopping)
        if new is not None:
            remember(home(), new)
            say(f"trusted from now on: key {new.id}\n  fingerprint  {new.fingerprint}")
        found = take_in(place, home(), keys, self_test, progress, stopping)
    if as_json:
        about = {"new": found.new, "before": found.before or None, "older": found.older, "key": found.signer}
        print_json({"bundle": found.manifest.id, "folder": str(found.folder), **about})
        return
    typer.echo(installed_lines(found))


@app.command("list")
def list_all(as_json: Json = False, quiet: Quiet = False) -> None:
    """List the installed bundles, the newest last.

    Example:  realign-edge bundle list
    """
    from realign_edge.bundle.store import installed
    from realign_edge.cli.bundle_view import as_row, print_list
    from realign_edge.home import home

    found = installed(home())
    if as_json:
        print_json({"bundles": [as_row(b) for b in found]})
        return
    print_list(found)
    if not found:
        say("no bundle is installed; install one with: realign-edge bundle install PATH --trust KEYFILE", quiet)


@app.command()
def show(bundle: Name = "", as_json: Json = False, quiet: Quiet = False) -> None:  # noqa: ARG001
    """Show what a bundle is: model, training, precisions and what they cost.

    Example:  realign-edge bundle show
    """
    from dataclasses import asdict

    from realign_edge.bundle.manifest import parse_manifest
    from realign_edge.bundle.store import locate
    from realign_edge.bundle.verify import read_head
    from realign_edge.cli.bundle_view import print_bundle
    from realign_edge.home import home

    path = Path(bundle).expanduser()
    folder = path if bundle and path.is_dir() else locate(home(), bundle)
    manifest = parse_manifest(read_head(folder).manifest)
    if as_json:
        print_json({"folder": str(folder), **asdict(manifest)})
        return
    print_bundle(folder, manifest)


@app.command()
def rollback(as_json: Json = False, quiet: Quiet = False) -> None:
    """Make the bundle that was active before active again.

    It is verified and tried on its golden photos first. Called twice, it is back where it was.

    Example:  realign-edge bundle rollback
    """
    from realign_edge.bundle.install import rollback as go_back
    from realign_edge.bundle.trust import trusted_keys
    from realign_edge.home import home
    from realign_edge.station.inspecting.selftest import self_test

    now, before = go_back(home(), trusted_keys(home()), self_test)
    if as_json:
        print_json({"bundle": now, "before": before})
        return
    typer.echo(f"active again: {now}")
    say(f"{before} is kept; `bundle rollback` goes back to it", quiet)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=0, help="How many bundles stay.")] = 3,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Delete the oldest bundles.

    The active and the previous one always stay.

    Example:  realign-edge bundle prune --keep 2
    """
    from realign_edge.bundle.store import installed
    from realign_edge.bundle.store import prune as delete
    from realign_edge.home import home

    gone = delete(home(), keep)
    if as_json:
        print_json({"removed": list(gone), "kept": len(installed(home()))})
        return
    for name in gone:
        typer.echo(f"removed {name}")
    say(f"{len(gone)} bundles removed, {len(installed(home()))} kept", quiet)
