"""install.sh on a folder in the place of a machine: verified first, each step repeatable, back and away again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Unpacked = Callable[[str], Path]
KEY = "release.pub"
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def install(folder: Path, root: Path, *more: str, key: Path | None = None) -> subprocess.CompletedProcess[str]:
    pub = key or folder.parent / KEY
    command = [str(folder / "install.sh"), "--root", str(root), "--key", str(pub), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def act(folder: Path, root: Path, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(folder / "install.sh"), *words, "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True, input=said, timeout=60)


def version_of(root: Path) -> str:
    command = root / "opt/realign-edge/current/bin/realign-edge"
    return subprocess.run([command, "--version"], capture_output=True, text=True).stdout.strip()


def tree(root: Path) -> set[str]:
    """Everything that is there but what Python writes by itself."""
    found = (p for p in root.rglob("*") if "__pycache__" not in p.parts)
    return {f"{p.relative_to(root)}{' -> ' + str(p.readlink()) if p.is_symlink() else ''}" for p in found}


def test_from_install_to_upgrade_rollback_and_uninstall(unpacked: Unpacked, root: Path) -> None:
    one, two = unpacked("1.0"), unpacked("2.0")
    done = install(one, root)
    assert done.returncode == 0, done.stderr
    assert version_of(root) == "realign-edge 1.0" and "doctor: fine (" in done.stdout and "Next:" in done.stdout
    config = root / "etc/realign-edge/realign-edge.toml"
    config.write_text("# mine\n# place /data/in\n")
    (root / "var/lib/realign-edge/results.sqlite").write_text("verdicts")
    assert install(two, root).returncode == 0
    assert version_of(root) == "realign-edge 2.0"
    # Settings and data are the owner's; the units may write where the settings say.
    assert config.read_text().startswith("# mine")
    drop = root / "etc/systemd/system/realign-edge-inspect.service.d/places.conf"
    assert drop.read_text().splitlines()[1:] == ["[Service]", "ReadWritePaths=-/data/in"]
    assert act(two, root, "rollback").returncode == 0 and version_of(root) == "realign-edge 1.0"
    assert act(two, root, "rollback").returncode == 0 and version_of(root) == "realign-edge 2.0"
    assert act(two, root, "uninstall").returncode == 0
    assert not (root / "opt/realign-edge").exists() and not list((root / "etc/systemd/system").glob("realign-edge*"))
    assert (root / "var/lib/realign-edge/results.sqlite").read_text() == "verdicts" and config.exists()
    refused = act(two, root, "uninstall", "--purge", said="no\n")
    assert refused.returncode == 1 and config.exists()
    assert act(two, root, "uninstall", "--purge", said="purge\n").returncode == 0
    assert not config.exists() and not (root / "var/lib/realign-edge").exists()


def test_done_again_it_changes_nothing(unpacked: Unpacked, root: Path) -> None:
    folder = unpacked("1.0")
    assert install(folder, root).returncode == 0
    before = tree(root)
    current = (root / "opt/realign-edge/current").resolve() / ".complete"
    made = current.stat().st_mtime_ns
    assert install(folder, root).returncode == 0
    assert tree(root) == before and current.stat().st_mtime_ns == made


def test_killed_at_any_moment_and_run_again_it_ends_the_same(unpacked: Unpacked, root: Path) -> None:
    folder = unpacked("1.0")
    began = time.monotonic()
    assert install(folder, root).returncode == 0
    whole, wanted = time.monotonic() - began, tree(root)
    for share in (0.3, 0.7, 0.9):
        shutil.rmtree(root)
        process = subprocess.Popen(
            [folder / "install.sh", "--root", root, "--key", folder.parent / KEY],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(whole * share)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        root.mkdir(exist_ok=True)
        assert install(folder, root).returncode == 0
        assert tree(root) == wanted


@pytest.mark.parametrize("what", ["changed", "extra", "missing", "link", "sums", "key"])
def test_what_is_not_as_it_was_signed_is_refused_before_anything_is_done(
    unpacked: Unpacked, root: Path, tmp_path: Path, what: str
) -> None:
    folder, key = unpacked("1.0"), None
    if what == "changed":
        wheel = next(folder.glob("wheels/realign_edge*"))
        wheel.write_bytes(wheel.read_bytes()[:-1] + b"x")
    elif what == "extra":
        (folder / "wheels" / "evil-1-py3-none-any.whl").write_text("")
    elif what == "missing":
        (folder / "bundle.json").unlink()
    elif what == "link":
        (folder / "doc" / "README.md").unlink()
        (folder / "doc" / "README.md").symlink_to("/etc/passwd")
    elif what == "sums":
        (folder / "SHA256SUMS").write_text((folder / "SHA256SUMS").read_text() + f"{'0' * 64}  x\n")
    else:
        from deploy.release_key import public_pem, release_key

        key = tmp_path / "other.pub"
        key.write_text(public_pem(release_key(tmp_path / "other.key")))
    done = install(folder, root, key=key)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and "hint: " in done.stderr
    assert not root.exists()


def test_another_key_than_the_first_is_refused(unpacked: Unpacked, root: Path, tmp_path: Path) -> None:
    from deploy.release_key import public_pem, release_key

    folder = unpacked("1.0")
    assert install(folder, root).returncode == 0
    other = tmp_path / "other.pub"
    other.write_text(public_pem(release_key(tmp_path / "other.key")))
    done = install(folder, root, key=other)
    assert done.returncode == 1 and "not the key that this machine was installed with" in done.stderr


def test_settings_with_mistakes_are_told(unpacked: Unpacked, root: Path) -> None:
    folder = unpacked("1.0")
    assert install(folder, root).returncode == 0
    (root / "etc/realign-edge/realign-edge.toml").write_text("MISTAKE\n")
    done = install(folder, root)
    assert done.returncode == 1 and "has mistakes" in done.stderr


def test_first_installation_needs_the_key(unpacked: Unpacked, root: Path) -> None:
    done = act(unpacked("1.0"), root, "install")
    assert done.returncode == 1 and "--key" in done.stderr


def test_shell_is_clean() -> None:
    scripts = sorted((Path(__file__).parents[3] / "deploy").glob("*.sh"))
    checker = shutil.which("shellcheck") or str(Path(sys.executable).with_name("shellcheck"))
    done = subprocess.run(
        [checker, "--external-sources", "--source-path=SCRIPTDIR", *scripts], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_disk_that_fills_in_the_middle_is_told_and_leaves_nothing_half_made(unpacked: Unpacked, tmp_path: Path) -> None:
    namespace = next((w for w in (["unshare", "-m"], ["unshare", "-Urm"]) if _opens(w)), None)
    if namespace is None:
        pytest.skip("mount namespaces are not permitted here")
    folder, disk = unpacked("1.0"), tmp_path / "disk"
    disk.mkdir()
    worker = [sys.executable, str(Path(__file__).with_name("full_disk.py")), folder, folder.parent / KEY, disk, "2"]
    done = subprocess.run([*namespace, *map(str, worker)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for tried in json.loads(done.stdout):
        where = str(tried)
        assert (tried["code"], tried["left"], tried["again"], tried["same"]) == (1, [], 0, True), where
        assert [line.partition(":")[0] for line in tried["said"].splitlines()[-2:]] == ["error", "hint"], where
        assert "free some space" in tried["said"] and str(disk) in tried["said"], where


def _opens(words: list[str]) -> bool:
    return subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0
