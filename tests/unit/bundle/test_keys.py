"""Keys and signatures: private ones stay private, trust is given by people, rotation and revocation work."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.bundle.admission import admitted
from realign_edge.bundle.errors import BundleError, UntrustedKeyError
from realign_edge.bundle.keys import read_public, renew_key, workstation_key
from realign_edge.bundle.signature import check_signature, signature_bytes, signer_of
from realign_edge.bundle.trust import TrustedKeys, revoke, trust, trusted_keys
from realign_edge.bundle.verify import verify_bundle
from realign_edge.errors import MissingError, RealignError, UsageError


def test_a_key_is_made_once_and_nobody_else_can_read_it(home: Path) -> None:
    key = workstation_key(home, "Werk 1")
    assert workstation_key(home, "another label").public == key.public
    private = home / "keys" / "signing.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert read_public(home / "keys" / "workstation.pub") == key.public
    assert key.public.label == "Werk 1"
    assert b"PRIVATE" not in (home / "keys" / "workstation.pub").read_bytes()
    assert sorted(p.name for p in private.parent.iterdir()) == ["signing.pem", "workstation.pub"]


def test_a_key_that_others_can_read_is_not_used(home: Path) -> None:
    workstation_key(home)
    (home / "keys" / "signing.pem").chmod(0o640)
    with pytest.raises(RealignError, match="others can read the signing key"):
        workstation_key(home)


def test_a_damaged_key_is_told_of(home: Path) -> None:
    workstation_key(home)
    (home / "keys" / "signing.pem").write_text("-----BEGIN PRIVATE KEY-----\nx\n")
    with pytest.raises(RealignError, match="is damaged"):
        workstation_key(home)
    renewed = renew_key(home)
    assert workstation_key(home).public == renewed.public


@pytest.mark.parametrize(
    "text", [b"", b"ssh-ed25519 AAAA", b"\xff", b"realign-edge ed25519 " + b"A" * 64 + b" x", b"x" * 9999]
)
def test_what_is_no_key_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key.pub").write_bytes(text)
    with pytest.raises(MissingError, match="no public key"):
        read_public(tmp_path / "key.pub")


def test_a_signature_is_of_these_bytes_and_this_key(home: Path) -> None:
    key, other = workstation_key(home), renew_key(home)
    signature = signature_bytes(b"manifest", key)
    trusted = TrustedKeys((key.public,))
    assert check_signature(b"manifest", signature, trusted, home) == key.public
    with pytest.raises(BundleError, match="the signature is wrong"):
        check_signature(b"manifesT", signature, trusted, home)
    with pytest.raises(UntrustedKeyError, match=f"not trusted here: {key.public.id}"):
        check_signature(b"manifest", signature, TrustedKeys((other.public,)), home)
    swapped = signature.replace(key.public.raw.hex().encode(), other.public.raw.hex().encode())
    with pytest.raises(BundleError, match="the signature is wrong"):
        check_signature(b"manifest", swapped, TrustedKeys((key.public, other.public)), home)


@pytest.mark.parametrize(
    "change", [bytes.upper, lambda s: s + b"\n", lambda s: s.replace(b"\n", b"\r\n"), lambda s: s[:-1]]
)
def test_a_signature_has_one_form(home: Path, change: Callable[[bytes], bytes]) -> None:
    signature = signature_bytes(b"manifest", workstation_key(home))
    assert signer_of(b"manifest", signature, home)
    with pytest.raises(BundleError):
        signer_of(b"manifest", change(signature), home)


def test_rotation_and_revocation(home: Path, made: Any, make: Callable[..., Any], tmp_path: Path) -> None:
    trust(home, made.key.public)
    assert verify_bundle(made.folder, trusted_keys(home)).id == made.manifest.id
    new = renew_key(tmp_path / "workstation")
    later = make("later", {"rules.toml": b"version = 1\n# later\n"})
    assert later.key.public == new.public
    with pytest.raises(UntrustedKeyError):
        verify_bundle(later.folder, trusted_keys(home))
    trust(home, new.public)
    # Both are believed until the old one is revoked.
    for bundle in (made, later):
        verify_bundle(bundle.folder, trusted_keys(home))
    assert revoke(home, made.key.public.id[:6]) == made.key.public
    with pytest.raises(UntrustedKeyError, match="was revoked on this machine"):
        verify_bundle(made.folder, trusted_keys(home))
    verify_bundle(later.folder, trusted_keys(home))
    with pytest.raises(UsageError, match="was revoked"):
        trust(home, made.key.public)
    with pytest.raises(UsageError, match="was revoked"):
        admitted(home, made.folder, None, whoever=True)
    with pytest.raises(MissingError, match="no trusted key"):
        revoke(home, made.key.public.id)


def test_nothing_is_trusted_unless_a_person_says_so(home: Path, made: Any, tmp_path: Path) -> None:
    assert admitted(home, made.folder, None, whoever=False) == (TrustedKeys(), None)
    keys, new = admitted(home, made.folder, None, whoever=True)
    assert new is not None
    assert new.raw == made.key.public.raw
    assert keys.find(new.raw)
    # Admission itself remembers nothing.
    assert trusted_keys(home) == TrustedKeys()
    other = workstation_key(tmp_path / "workstation").public
    wrong = renew_key(tmp_path / "workstation").public
    assert admitted(home, made.folder, other, whoever=False)[1] == other
    with pytest.raises(UntrustedKeyError):
        admitted(home, made.folder, wrong, whoever=False)
    with pytest.raises(UsageError, match="together"):
        admitted(home, made.folder, other, whoever=True)


def test_full_disk_keeps_the_key_that_was_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = workstation_key(home)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as told:
            renew_key(home)
    assert told.value.filename == str(home / "keys" / "signing.pem")
    assert workstation_key(home).public == key.public
    assert sorted(p.name for p in (home / "keys").iterdir()) == ["signing.pem", "workstation.pub"]
    renewed = renew_key(home, "Werk 2").public
    assert renewed != key.public and read_public(home / "keys" / "workstation.pub") == renewed
