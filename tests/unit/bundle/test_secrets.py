"""The bytes of a signing key stand in one file that one user can read, and nowhere else."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.release_key import release_key
from realign_edge.bundle.keys import renew_key, workstation_key

CALLS = (("bundle", "keys", "show"), ("bundle", "keys", "new", "--yes"), ("bundle", "keys", "list", "--json"),
         ("doctor", "--json"), ("export", "latest"), ("config", "show"), ("maintain", "run"))  # fmt: skip


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("make", [workstation_key, renew_key, lambda home: release_key(home / "keys" / "signing.pem")])
def test_a_key_is_never_readable_by_others_not_even_for_a_moment(
    make: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int, int]] = []
    real = os.open

    def watched(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        number = real(path, flags, mode, **more)
        if flags & os.O_CREAT and "signing" in str(path):
            opened.append((str(path), flags, os.fstat(number).st_mode & 0o777))
        return number

    monkeypatch.setattr(os, "open", watched)
    make(home)
    assert [mode for _, _, mode in opened] == [0o600]
    assert all(flags & os.O_EXCL for _, flags, _ in opened)
    assert (home / "keys" / "signing.pem").stat().st_mode & 0o777 == 0o600


def secrets_of(pem: bytes) -> list[bytes]:
    """The key in every form in which somebody could print it by mistake."""
    raw = load_pem_private_key(pem, None).private_bytes_raw()  # type: ignore[union-attr]
    body = pem.split(b"\n")[1]
    return [body, raw, raw.hex().encode(), base64.b64encode(raw), repr(raw)[2:-1].encode(), b"PRIVATE KEY"]


def test_no_command_prints_or_logs_a_key(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    secrets, said = [], b""
    for debug in ("", "1"):
        env = {**os.environ, "REALIGN_EDGE_HOME": str(home), "REALIGN_EDGE_DEBUG": debug, "REALIGN_EDGE_CONFIG": ""}
        for call in CALLS if not debug else CALLS[:2]:
            done = subprocess.run([sys.executable, "-m", "realign_edge", *call], env=env, capture_output=True)
            said += done.stdout + done.stderr
            if (home / "keys" / "signing.pem").exists():
                secrets += secrets_of((home / "keys" / "signing.pem").read_bytes())
    # What a damaged key looks like is not repeated either.
    path = home / "keys" / "signing.pem"
    path.write_bytes(path.read_bytes()[:90])
    done = subprocess.run(
        [sys.executable, "-m", "realign_edge", "bundle", "keys", "show"], env=env, capture_output=True
    )
    said += done.stdout + done.stderr
    assert secrets
    kept = {p: p.read_bytes() for p in home.rglob("*") if p.is_file() and p.name != "signing.pem"}
    for secret in set(secrets):
        assert secret not in said
        assert not [p for p, data in kept.items() if secret in data]
