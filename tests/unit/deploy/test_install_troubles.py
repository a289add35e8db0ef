"""What an unlucky technician meets: each is one error with what, where and what to do, before anything is changed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.make_bundle import build

Wheelhouse = Callable[[str], Path]
Unpacked = Callable[[str], Path]
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
# What the checks before the search for Python work with.
TOOLS = ("sh", "openssl", "sha256sum", "find", "sed", "grep", "sort", "head", "tr", "cut", "uname", "getconf", "cmp",
         "dirname", "rm")  # fmt: skip
NAMESPACES = (["unshare", "-m"], ["unshare", "-Urm"])


def ran(command: list[object], **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(w) for w in command], capture_output=True, text=True, timeout=120, **more)  # type: ignore[call-overload,no-any-return]


def asked(folder: Path, root: Path, *words: object, **more: object) -> subprocess.CompletedProcess[str]:
    return ran([folder / "install.sh", "--root", root, *words], **more)


def one_error(done: subprocess.CompletedProcess[str], error: str, hint: str) -> None:
    """A refusal: two lines and nothing else."""
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 2, done.stderr
    assert re.match(f"error: .*(?:{error})", lines[0]) and re.match(f"hint: .*(?:{hint})", lines[1]), done.stderr


def shim(folder: Path, name: str, says: str) -> dict[str, str]:
    """An environment in which a command of that name says this."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["--key"], "--key needs a value", "--help"),
        (["--kye", "x"], "unknown option --kye", "--help"),
        (["--key", "no/such.pub"], "no key at .*/no/such.pub", "release.pub"),
        (["--key", "{key}.key"], "no public key", "BEGIN PUBLIC KEY"),
        (["--key", "{key}", "--python", "/no/python"], "Python .* was not found", "--python"),
        (["rollback"], "no version before", "install the archive"),
        (["services"], "not installed", "--key"),
    ],
)
def test_what_was_asked_wrongly(
    unpacked: Unpacked, archives: Path, tmp_path: Path, words: list[str], error: str, hint: str
) -> None:
    folder, root = unpacked("1.0"), tmp_path / "root"
    shutil.copy(archives / "release.key", folder.parent / "release.pub.key")
    given = [w.format(key=folder.parent / "release.pub") for w in words]
    one_error(asked(folder, root, *given), error, hint)
    assert not list(root.rglob("realign-edge*"))


@pytest.mark.parametrize(
    ("name", "says", "error", "hint"),
    [
        ("uname", "aarch64", "archive is for Linux x86_64|archive is for Linux aarch64", "archive for this machine"),
        ("getconf", "glibc 2.5", "needs glibc 2.99 or newer, this system has glibc 2.5", "as old as this one"),
        ("python3", "3.9", r"was not found \(python3 is 3.9\)", "--python"),
    ],
)
def test_another_machine_than_the_archive_is_for(
    wheelhouse: Wheelhouse, tmp_path: Path, name: str, says: str, error: str, hint: str
) -> None:
    house, root = wheelhouse("1.0"), tmp_path / "root"
    if name == "getconf":
        wheel = next(house.glob("realign_edge*"))
        wheel.rename(house / "realign_edge-1.0-py3-none-manylinux_2_5_x86_64.manylinux_2_99_x86_64.whl")
        wheel = next(house.glob("pip*"))
        wheel.rename(wheel.with_name(wheel.name.replace("-any", "-manylinux_2_99_x86_64")))
    environment = shim(tmp_path / "bin", name, says)
    if name == "python3":
        # The Python that the archive wants is not on the PATH under its own name.
        for tool in TOOLS:
            found = shutil.which(tool)
            if found and not (tmp_path / "bin" / tool).exists():
                (tmp_path / "bin" / tool).symlink_to(found)
        environment["PATH"] = str(tmp_path / "bin")
    archive = build("station", tmp_path, tmp_path / "release.key", [], 0, house)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "x", filter="data")
    folder = next((tmp_path / "x").iterdir())
    one_error(asked(folder, root, "--key", tmp_path / "release.pub", env=environment), error, hint)
    assert not root.exists()


def test_pipe_in_the_place_of_a_file_is_not_waited_for(unpacked: Unpacked, tmp_path: Path) -> None:
    folder = unpacked("1.0")
    (folder / "doc" / "README.md").unlink()
    os.mkfifo(folder / "doc" / "README.md")
    done = asked(folder, tmp_path / "root", "--key", folder.parent / "release.pub")
    one_error(done, "no plain file: ./doc/README.md", "empty folder")


def test_file_where_a_folder_must_be(unpacked: Unpacked, tmp_path: Path) -> None:
    folder, root = unpacked("1.0"), tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "realign-edge").write_text("")
    done = asked(folder, root, "--key", folder.parent / "release.pub")
    one_error(done, "etc/realign-edge is no folder", "move it away")


@pytest.mark.parametrize(
    ("place", "how", "error"),
    [
        ("opt", "ro", "nothing can be written in .*/opt$"),
        ("usr", "ro", "nothing can be written in .*/usr$"),
        ("opt", "noexec", "no program can run in .*/opt/realign-edge: .* noexec"),
        ("opt", "size=8m", "only . MB are free for .*/opt/realign-edge"),
    ],
)
def test_file_system_that_does_not_do(unpacked: Unpacked, tmp_path: Path, place: str, how: str, error: str) -> None:
    namespace = next((w for w in NAMESPACES if not ran([*w, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).returncode), None)
    if namespace is None:
        pytest.skip("mount namespaces are not permitted here")
    folder, root = unpacked("1.0"), tmp_path / "root"
    (root / place).mkdir(parents=True)
    script = 'mount -t tmpfs -o "$1" tmpfs "$2/$3" && exec "$4" --root "$2" --key "$5"'
    given = [how, root, place, folder / "install.sh", folder.parent / "release.pub"]
    done = ran([*namespace, "sh", "-c", script, "sh", *given])
    one_error(done, error, "remount,rw|mount it with exec|free some space")
    assert not (root / "etc").exists()


def test_archive_of_the_other_role(unpacked: Unpacked, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    folder, root = unpacked("1.0"), tmp_path / "root"
    about = root / "opt/realign-edge/current/share/bundle.json"
    about.parent.mkdir(parents=True)
    about.write_text((folder / "bundle.json").read_text().replace('"station"', '"workstation"'))
    done = asked(folder, root, "--key", folder.parent / "release.pub")
    one_error(done, "this machine is a workstation, and the archive is for a station", "uninstall first")


def test_everything_odd_at_once(unpacked: Unpacked, archives: Path, tmp_path: Path) -> None:
    """Spaces in every path, relative ones, a narrow umask, a Japanese locale, no room for temporary files, and
    a shell in which Python and pip are led astray."""
    odd = tmp_path / "a stick" / "新しい 版"
    odd.mkdir(parents=True)
    folder = odd / "un packed"
    shutil.copytree(next((archives / "1.0").iterdir()), folder)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.name == "install.sh" else 0o600)
    shutil.copy(archives / "release.pub", odd / "the key.pub")
    (odd / "python").symlink_to(sys.executable)
    (odd / "shadow" / "realign_edge").mkdir(parents=True)
    (odd / "shadow" / "realign_edge" / "__init__.py").write_text("raise SystemExit('not the one that was installed')")
    strange = {"LC_ALL": "ja_JP.UTF-8", "TMPDIR": "/no/room", "PYTHONPATH": str(odd / "shadow"), "PIP_TARGET": "/x"}
    environment = {**os.environ, **strange}
    command = ["un packed/install.sh", "--root", "the root", "--key", "the key.pub", "--python", "./python"]
    done = ran(["sh", "-c", 'umask 077 && exec "$@"', "sh", *command], cwd=odd, env=environment)
    assert done.returncode == 0, done.stderr
    assert "doctor: fine (ja_JP.UTF-8)" in done.stdout and "Next:" in done.stdout
    current = (odd / "the root/opt/realign-edge/current").resolve()
    closed = [p for p in [current, *current.rglob("*")] if not p.is_symlink() and p.stat().st_mode & 0o044 != 0o044]
    assert closed == []
    # Once the stick is gone, the installer that it left serves.
    shutil.rmtree(folder)
    root = odd / "the root"
    (root / "etc/realign-edge/realign-edge.toml").write_text("# place /data/in\n")
    done = ran([current / "share/install.sh", "services", "--root", root])
    assert done.returncode == 0 and "may write where" in done.stdout, done.stderr
    assert list(root.glob("etc/systemd/system/realign-edge-inspect.service.d/places.conf"))
    done = ran([current / "share/install.sh", "uninstall", "--purge", "--root", root], stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "nothing was removed" in done.stderr and (root / "etc/realign-edge").exists()
    done = ran([current / "share/install.sh", "uninstall", "--purge", "--yes", "--root", root])
    assert done.returncode == 0, done.stderr
    assert [p.relative_to(root) for p in root.rglob("realign-edge*")] == [Path("srv/realign-edge")]
    done = ran([next((archives / "1.0").iterdir()) / "install.sh", "uninstall", "--root", root])
    assert (done.returncode, done.stdout.count("not installed here"), done.stdout.count("stays")) == (0, 1, 0)


# Whoever is started in the background of a shell has Ctrl-C ignored, and a shell cannot trap it then.
HEARD = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


def test_two_at_once_and_an_interruption(unpacked: Unpacked, tmp_path: Path) -> None:
    folder, root = unpacked("1.0"), tmp_path / "root"
    begun, go, slow = tmp_path / "begun", tmp_path / "go", tmp_path / "python"
    # A Python that takes its time with the first thing that it makes.
    wait = f'case "$*" in *venv*) : >"{begun}"; until [ -e "{go}" ]; do sleep 0.05; done ;; esac'
    slow.write_text(f'#!/bin/sh\ncase $1 in -m) {wait} ;; esac\nexec "{sys.executable}" "$@"\n')
    slow.chmod(0o755)
    command = [str(folder / "install.sh"), "--root", str(root), "--key", str(folder.parent / "release.pub")]
    command += ["--python", str(slow)]
    heard = [sys.executable, "-c", HEARD, *command]
    with subprocess.Popen(heard, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        while not begun.exists():
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.02)
        one_error(ran(list(command)), "another install.sh is at work", "wait until it has ended")
        first.send_signal(signal.SIGINT)
        # The shell hears it once the command that it waits for has ended.
        go.touch()
        said = first.stderr.read()
        assert first.wait() == 130 and "error: interrupted while putting the programs into" in said, said
    assert "run the same command again" in said
    assert not list(root.glob("opt/realign-edge/*"))
    assert ran(list(command)).returncode == 0


def test_killed_before_commands_that_change_something(archives: Path, tmp_path: Path) -> None:
    old, new = (next((archives / version).iterdir()) for version in ("1.0", "2.0"))
    script = Path(__file__).with_name("killed_installer.py")
    done = ran([sys.executable, script, old, new, archives / "release.pub", tmp_path / "work", 23])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [action["wrong"] for action in found.values()] == [[], [], [], []], found
    assert found.keys() == {"install", "upgrade", "rollback", "uninstall"}
    assert all(action["kills"] for action in found.values())
