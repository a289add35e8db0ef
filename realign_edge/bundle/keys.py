"""Keys: the one that a workstation signs with, and the form in which its public half is carried to stations."""

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from realign_edge.errors import MissingError, RealignError
from realign_edge.files import sha256_bytes, sync_folder, write_atomic

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LINE = re.compile(r"realign-edge ed25519 ([0-9a-f]{64}) ([\w .@-]{0,64})\n?")
_MOST = 4096
PRIVATE, PUBLIC = "signing.pem", "workstation.pub"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """raw: the 32 bytes of an Ed25519 key; label: what people call its workstation."""

    raw: bytes
    label: str = ""

    @property
    def id(self) -> str:
        """16 hexadecimal digits, its name in lists and files."""
        return sha256_bytes(self.raw)[:16]

    @property
    def fingerprint(self) -> str:
        """SHA-256 in groups of eight digits, for two people to compare."""
        digest = sha256_bytes(self.raw)
        return " ".join(digest[i : i + 8] for i in range(0, 64, 8))

    @property
    def line(self) -> str:
        """What a .pub file holds."""
        return f"realign-edge ed25519 {self.raw.hex()} {self.label}\n"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key of a workstation, with its public half."""

    private: "Ed25519PrivateKey"
    public: PublicKey

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self.private.sign(data)


def read_public(path: Path) -> PublicKey:
    """A .pub file.

    Raises:
        MissingError: it is not there, or is no key.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST + 1)
        found = _LINE.fullmatch(text.decode("utf-8")) if len(text) <= _MOST else None
    except OSError as problem:
        raise MissingError(
            f"the key {path} cannot be read: {problem.strerror or problem}",
            f"name the file {PUBLIC} that was carried over from the workstation",
        ) from problem
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise MissingError(f"{path} is no public key of a workstation", "copy it again: `bundle keys show` there")
    return PublicKey(bytes.fromhex(found[1]), found[2])


def workstation_key(home: Path, label: str = "workstation") -> SigningKey:
    """The signing key of this workstation; made when it is asked for first.

    Raises:
        RealignError: others can read it, or it is damaged.
    """
    path = home / "keys" / PRIVATE
    if not path.exists():
        _make(path)
    return _publish(_read(path), home, label)


def own_key(home: Path) -> tuple[PublicKey, ...]:
    """The public key of this machine where it signs bundles itself, else none."""
    signs = (home / "keys" / PRIVATE).is_file()
    return (read_public(home / "keys" / PUBLIC),) if signs else ()


def renew_key(home: Path, label: str = "workstation") -> SigningKey:
    """A new signing key in the place of the old one; what that one signed stays good where it is trusted."""
    path = home / "keys" / PRIVATE
    _make(path, renew=True)
    return _publish(_read(path), home, label)


def _make(path: Path, renew: bool = False) -> None:
    """Write a new key that only this user can read; one that is there, or that another process wrote meanwhile, stays
    unless it is to be renewed, and until the new one is whole."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path.parent.mkdir(mode=0o700, exist_ok=True)
    data = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if renew:
            beside.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(beside, path)
    except OSError as problem:
        # A failed write, unlike a failed open, does not say by itself which file it was.
        problem.filename, problem.filename2 = str(path), None
        raise
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def _read(path: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise RealignError(
            f"others can read the signing key {path} (mode {mode:04o})",
            "if nobody has copied it: chmod 600; else make a new one: realign-edge bundle keys new",
        )
    try:
        key = load_pem_private_key(path.read_bytes()[:_MOST], None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("it is of another kind")
    except (ValueError, TypeError) as problem:
        raise RealignError(
            f"the signing key {path} is damaged: {problem}", "make a new one: realign-edge bundle keys new"
        ) from problem
    return key


def _publish(private: "Ed25519PrivateKey", home: Path, label: str) -> SigningKey:
    """Keep the public half beside the key, whatever was there."""
    path, raw = home / "keys" / PUBLIC, private.public_key().public_bytes_raw()
    with contextlib.suppress(MissingError):
        if (known := read_public(path)).raw == raw:
            return SigningKey(private, known)
    public = PublicKey(raw, label)
    write_atomic(path, public.line)
    return SigningKey(private, public)
