"""Which workstations a station believes: `trusted_keys/<id>.pub`; a key that was revoked is never taken by mistake."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from realign_edge.bundle.keys import PublicKey, read_public
from realign_edge.errors import MissingError, UsageError
from realign_edge.files import sync_folder, write_atomic

FOLDER = "trusted_keys"


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """What bundles may be signed with; revoked: ids of keys that were trusted once."""

    keys: tuple[PublicKey, ...] = ()
    revoked: frozenset[str] = field(default=frozenset())

    def find(self, raw: bytes) -> PublicKey | None:
        """The trusted key with these 32 bytes."""
        return next((k for k in self.keys if k.raw == raw), None)

    def plus(self, more: Iterable[PublicKey]) -> "TrustedKeys":
        """With further keys; one that was revoked stays so."""
        new = [k for k in more if k.id not in self.revoked and self.find(k.raw) is None]
        return TrustedKeys((*self.keys, *new), self.revoked)


def trusted_keys(home: Path) -> TrustedKeys:
    """The keys that this machine trusts.

    Raises:
        MissingError: a file among them is damaged.
    """
    files = [p for p in sorted((home / FOLDER).glob("*")) if not p.name.startswith(".")]
    revoked = frozenset(p.stem for p in files if p.suffix == ".revoked")
    keys = [read_public(p) for p in files if p.suffix == ".pub"]
    return TrustedKeys(tuple(k for k in keys if k.id not in revoked), revoked)


def keys_stamp(home: Path) -> int:
    """Another number once a key was trusted or revoked since; nothing is read."""
    try:
        return (home / FOLDER).stat().st_mtime_ns
    except OSError:
        return 0


def trust(home: Path, key: PublicKey) -> None:
    """Believe what this key signs from now on.

    Raises:
        UsageError: it was revoked here.
    """
    folder = home / FOLDER
    check_not_revoked(home, key)
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomic(folder / f"{key.id}.pub", key.line)


def check_not_revoked(home: Path, key: PublicKey) -> None:
    """Raise where this key was revoked here.

    Raises:
        UsageError: it was.
    """
    gone = home / FOLDER / f"{key.id}.revoked"
    if gone.exists():
        raise UsageError(f"the key {key.id} was revoked on this machine", f"if that was a mistake, delete {gone}")


def revoke(home: Path, name: str) -> PublicKey:
    """Believe a key no longer; name: its id, or the start of it.

    Raises:
        MissingError: no such key is trusted.
        UsageError: several fit.
    """
    known = trusted_keys(home).keys
    fitting = [k for k in known if name and k.id.startswith(name.lower())]
    if len(fitting) > 1:
        raise UsageError(f"`{name}` fits {len(fitting)} keys", "give more digits of the one that is meant")
    if not fitting:
        shown = ", ".join(k.id for k in known) or "there are none"
        raise MissingError(f"no trusted key `{name}`", f"trusted keys: {shown}")
    folder, key = home / FOLDER, fitting[0]
    # Renamed in one step: at no moment is it neither trusted nor known as revoked.
    (folder / f"{key.id}.pub").replace(folder / f"{key.id}.revoked")
    sync_folder(folder)
    return key
