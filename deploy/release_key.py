"""The key that signs releases: whoever has it can install programs on every station, so it lies in a safe."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from deploy.wheels import BuildError


def release_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in a PEM file; made, readable by its owner alone, where there is none.

    Raises:
        BuildError: others can read it, or it is no such key.
    """
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise BuildError(f"other users can read {path}\nchmod 600 {path}, and make a new one if they may have")
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as problem:
        raise BuildError(f"{path} is no private key: {problem}") from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise BuildError(f"{path} is no Ed25519 key")
    return key


def public_pem(key: Ed25519PrivateKey) -> str:
    """What the machines are given, as openssl reads it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
