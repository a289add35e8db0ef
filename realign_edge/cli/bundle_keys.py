"""`realign-edge bundle keys`: the key of a workstation, and the keys that a station trusts."""

from pathlib import Path
from typing import Annotated

import typer

from realign_edge.cli.options import Json, Quiet, print_json, say

app = typer.Typer(help="Keys that bundles are signed with.", no_args_is_help=True)
Label = Annotated[str, typer.Option(help="What people call this workstation.")]


@app.command()
def show(label: Label = "workstation", as_json: Json = False, quiet: Quiet = False) -> None:
    """Show this workstation's key, and the file to carry to stations.

    The key is made when it is asked for first.

    Example:  realign-edge bundle keys show
    """
    from realign_edge.bundle.keys import workstation_key
    from realign_edge.home import home

    _tell(home() / "keys", workstation_key(home(), label).public, as_json, quiet)


@app.command()
def new(
    label: Label = "workstation",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Replace this workstation's key by a new one.

    Stations go on believing what the old one signed until `bundle keys revoke` there.

    Example:  realign-edge bundle keys new --yes
    """
    import sys

    from realign_edge.bundle.keys import PRIVATE, renew_key
    from realign_edge.errors import UsageError
    from realign_edge.home import home

    if (home() / "keys" / PRIVATE).exists() and not yes:
        if not sys.stdin.isatty():
            raise UsageError("this would delete the present signing key", "say so with --yes")
        if not typer.confirm("Delete the present signing key?", err=True):
            raise typer.Exit
    _tell(home() / "keys", renew_key(home(), label).public, as_json, quiet)


@app.command("list")
def list_all(as_json: Json = False, quiet: Quiet = False) -> None:
    """List the keys that this machine trusts, and those that were revoked here.

    Example:  realign-edge bundle keys list
    """
    from realign_edge.bundle.trust import trusted_keys
    from realign_edge.home import home

    found = trusted_keys(home())
    if as_json:
        rows = [{"key": k.id, "label": k.label, "fingerprint": k.fingerprint} for k in found.keys]
        print_json({"trusted": rows, "revoked": sorted(found.revoked)})
        return
    for key in found.keys:
        typer.echo(f"{key.id}  trusted  {key.label}")
    for name in sorted(found.revoked):
        typer.echo(f"{name}  revoked")
    if not found.keys:
        say("no key is trusted yet; trust one with: realign-edge bundle keys trust KEYFILE", quiet)


@app.command()
def trust(
    path: Annotated[Path, typer.Argument(help="Key file that was carried over from a workstation.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Believe bundles that are signed with this key.

    Example:  realign-edge bundle keys trust /media/usb/workstation.pub
    """
    from realign_edge.bundle.keys import read_public
    from realign_edge.bundle.trust import trust as remember
    from realign_edge.home import home

    key = read_public(path.expanduser())
    remember(home(), key)
    if as_json:
        print_json({"key": key.id, "label": key.label, "fingerprint": key.fingerprint})
        return
    typer.echo(f"trusted: {key.id}  {key.label}")
    say(f"fingerprint  {key.fingerprint}", quiet)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Key, or the start of its id.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Believe a key no longer: nothing that it signed is installed, and it is not trusted again by mistake.

    Example:  realign-edge bundle keys revoke 3f2a9c1b
    """
    from realign_edge.bundle.trust import revoke as forget
    from realign_edge.home import home

    gone = forget(home(), key)
    if as_json:
        print_json({"revoked": gone.id, "label": gone.label})
        return
    typer.echo(f"revoked: {gone.id}  {gone.label}")
    say("`bundle verify` and `bundle rollback` refuse what it signed from now on", quiet)


def _tell(folder: Path, key: object, as_json: bool, quiet: bool) -> None:
    from realign_edge.bundle.keys import PUBLIC, PublicKey

    assert isinstance(key, PublicKey)
    path = folder / PUBLIC
    if as_json:
        about = {"key": key.id, "label": key.label, "fingerprint": key.fingerprint}
        print_json({**about, "file": str(path)})
        return
    typer.echo(
        f"key          {key.id}  {key.label}\nfingerprint  {key.fingerprint[:35]}\n             {key.fingerprint[36:]}"
    )
    typer.echo(f"file         {path}")
    say("carry that file to the stations; the other one beside it never leaves this machine", quiet)
