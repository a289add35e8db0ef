"""Installing: whole or not at all, active only once the self-test passed, and always a way back."""

import errno
import io
import os
import shutil
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.bundle import store
from realign_edge.bundle.errors import BundleError, UntrustedKeyError
from realign_edge.bundle.install import install, rollback
from realign_edge.bundle.store import current, installed, prune
from realign_edge.bundle.trust import TrustedKeys
from realign_edge.bundle.verify import verify_bundle
from realign_edge.errors import Interrupted, MissingError, RealignError


def good(_: Path) -> None:
    """A self-test that passes."""


def bad(_: Path) -> None:
    raise RealignError("it says something else")


def pack(folder: Path, archive: Path, *odd: tarfile.TarInfo, top: str | None = None) -> Path:
    with tarfile.open(archive, "w:gz" if archive.suffix == ".gz" else "w") as tar:
        tar.add(folder, folder.name if top is None else top)
        for member in odd:
            tar.addfile(member, io.BytesIO(b"evil") if member.isreg() else None)
    return archive


@pytest.fixture
def second(made: Any, make: Callable[..., Any]) -> Any:
    """Another bundle of the same workstation."""
    return make("second", {"rules.toml": b"version = 1\n# second\n"})


def left(home: Path) -> set[str]:
    return {p.name for p in (home / "bundles").iterdir() if p.name != ".lock"}


@pytest.mark.parametrize("form", ["folder", "tar", "tar.gz", "bare tar"])
def test_from_a_folder_and_from_archives(home: Path, made: Any, tmp_path: Path, form: str) -> None:
    path = made.folder
    if form != "folder":
        path = pack(path, tmp_path / f"x.{form.rsplit(maxsplit=1)[-1]}", top="." if form == "bare tar" else None)
    found = install(path, home, made.keys, good)
    assert (found.new, found.before) == (True, "")
    assert current(home) == home / "bundles" / made.manifest.id
    assert verify_bundle(current(home), made.keys) == made.manifest
    assert left(home) == {made.manifest.id, "current"}
    again = install(path, home, made.keys, good)
    assert (again.new, again.before) == (False, made.manifest.id)


def test_the_self_test_sees_the_copy_before_it_is_active(home: Path, made: Any, second: Any) -> None:
    install(made.folder, home, made.keys, good)
    seen: list[tuple[bytes, str]] = []
    install(
        second.folder, home, made.keys, lambda f: seen.append(((f / "rules.toml").read_bytes(), current(home).name))
    )
    assert seen == [(b"version = 1\n# second\n", made.manifest.id)]
    assert current(home).name == second.manifest.id


def test_a_failing_self_test_leaves_everything_as_it_was(home: Path, made: Any, second: Any) -> None:
    with pytest.raises(BundleError, match=r"self-test of the bundle failed: it says something else; none is active"):
        install(made.folder, home, made.keys, bad)
    assert left(home) == set()
    install(made.folder, home, made.keys, good)
    with pytest.raises(BundleError, match=f"the active bundle stays {made.manifest.id}"):
        install(second.folder, home, made.keys, bad)
    assert left(home) == {made.manifest.id, "current"}
    assert current(home).name == made.manifest.id


def test_an_active_bundle_that_begins_to_fail_gives_way_to_the_previous_one(home: Path, made: Any, second: Any) -> None:
    install(made.folder, home, made.keys, good)
    install(second.folder, home, made.keys, good)
    with pytest.raises(BundleError, match=f"the previous bundle {made.manifest.id} is active again"):
        install(second.folder, home, made.keys, bad)
    assert current(home).name == made.manifest.id


def test_an_older_bundle_is_installed_and_said_to_be_older(home: Path, made: Any, make: Callable[..., Any]) -> None:
    """A signature does not say which of two bundles is newer; whoever installs one should know."""
    later = make("later", {"rules.toml": b"version = 1\n# later\n"}, created="2026-12-24T20:00:00+00:00")
    assert not install(later.folder, home, made.keys, good).older
    assert install(made.folder, home, made.keys, good).older
    assert not install(later.folder, home, made.keys, good).older


def test_a_folder_in_the_place_of_a_link_is_told_of(home: Path, made: Any) -> None:
    (home / "bundles" / "current").mkdir(parents=True)
    with pytest.raises(RealignError, match="current is a folder, where the link to a bundle belongs"):
        install(made.folder, home, made.keys, good)
    (home / "bundles" / "current").rmdir()
    install(made.folder, home, made.keys, good)
    assert current(home).name == made.manifest.id


def test_rollback_there_and_back(home: Path, made: Any, second: Any) -> None:
    with pytest.raises(MissingError, match="no bundle is installed"):
        current(home)
    with pytest.raises(MissingError, match="no previous bundle"):
        rollback(home, made.keys, good)
    install(made.folder, home, made.keys, good)
    install(second.folder, home, made.keys, good)
    assert rollback(home, made.keys, good) == (made.manifest.id, second.manifest.id)
    assert current(home).name == made.manifest.id
    assert rollback(home, made.keys, good) == (second.manifest.id, made.manifest.id)
    with pytest.raises(BundleError, match="self-test"):
        rollback(home, made.keys, bad)
    (home / "bundles" / made.manifest.id / "rules.toml").write_text("")
    with pytest.raises(BundleError, match=r"changed: rules.toml"):
        rollback(home, made.keys, good)
    assert current(home).name == second.manifest.id


def test_an_untrusted_bundle_is_not_copied(home: Path, made: Any) -> None:
    with pytest.raises(UntrustedKeyError) as refused:
        install(made.folder, home, TrustedKeys(), good)
    assert "--trust" in refused.value.hint
    assert made.key.public.fingerprint in refused.value.hint
    assert left(home) == set()


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_not_as_signed_is_named_and_nothing_is_left(
    home: Path, made: Any, tmp_path: Path, packed: bool
) -> None:
    def names() -> list[str]:
        path = pack(made.folder, tmp_path / "x.tar") if packed else made.folder
        with pytest.raises(BundleError) as refused:
            install(path, home, made.keys, good)
        assert left(home) == set()
        return [str(p) for p in refused.value.problems]

    (made.folder / "config.json").write_bytes(b"[]")
    (made.folder / "station.json").write_bytes(b"[]")
    assert names() == ["changed: config.json (other content)", "changed: station.json (other content)"]
    (made.folder / "extra").write_text("x")
    (made.folder / "rules.toml").unlink()
    (made.folder / "LICENSE").write_text("short")
    assert names() == [
        "changed: LICENSE (5 bytes instead of 11)", "extra: extra", "missing: rules.toml",
    ]  # fmt: skip


def odd(name: str, **about: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = 4 if about.get("type", tarfile.REGTYPE) == tarfile.REGTYPE else 0
    for key, value in about.items():
        setattr(member, key, value)
    return member


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (odd("../evil"), "would leave the folder"),
        (odd("/etc/evil"), "absolute name"),
        (odd("bundle/x", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
        (odd("bundle/x", type=tarfile.LNKTYPE, linkname="bundle/LICENSE"), "is a link"),
        (odd("bundle/x", type=tarfile.CHRTYPE), "device or a pipe"),
        (odd("bundle/config.json"), "stands in it twice"),
        (odd("bundle/evil.bin"), "extra: evil.bin"),
        (odd("beside/evil.bin"), "extra: beside/evil.bin"),
        (odd("other/manifest.json"), "holds several bundles"),
    ],
)
def test_odd_archives_are_refused(home: Path, made: Any, tmp_path: Path, member: tarfile.TarInfo, words: str) -> None:
    with pytest.raises(RealignError) as refused:
        install(pack(made.folder, tmp_path / "x.tar", member), home, made.keys, good)
    assert words in refused.value.message
    assert left(home) == set()
    assert not (tmp_path / "evil").exists()


def test_archives_without_a_bundle(home: Path, made: Any, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x")
    with pytest.raises(MissingError, match="neither a folder nor"):
        install(tmp_path / "text", home, made.keys, good)
    with pytest.raises(MissingError, match="there is no"):
        install(tmp_path / "gone", home, made.keys, good)
    (made.folder / "manifest.sig").unlink()
    with pytest.raises(BundleError, match=r"missing: manifest.sig"):
        install(pack(made.folder, tmp_path / "x.tar"), home, made.keys, good)
    (made.folder / "manifest.json").unlink()
    with pytest.raises(BundleError, match=r"no bundle: there is no manifest.json"):
        install(pack(made.folder, tmp_path / "x.tar"), home, made.keys, good)


def test_a_damaged_installed_bundle_is_put_right_where_it_lies(home: Path, made: Any, tmp_path: Path) -> None:
    install(made.folder, home, made.keys, good)
    place = current(home)
    (place / "config.json").write_text("damaged")
    (place / "rules.toml").unlink()
    (place / "extra/inner").mkdir(parents=True)
    (place / "LICENSE").unlink()
    (place / "LICENSE").mkdir()
    shutil.rmtree(place / "golden")
    (place / "golden").symlink_to(tmp_path, target_is_directory=True)
    assert install(made.folder, home, made.keys, good).new
    assert verify_bundle(current(home), made.keys) == made.manifest
    assert tmp_path.is_dir()


def test_an_end_that_is_asked_for_leaves_nothing(home: Path, made: Any) -> None:
    with pytest.raises(Interrupted):
        install(made.folder, home, made.keys, good, stopped=lambda: True)
    assert left(home) == set()


def test_no_room_is_told_before_anything_is_copied(home: Path, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)._replace(free=1000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(RealignError, match=r"the bundle takes .* are free at"):
        install(made.folder, home, made.keys, good)


def test_prune_keeps_the_active_and_the_previous_one(home: Path, made: Any, make: Callable[..., Any]) -> None:
    ids = []
    for number in range(4):
        bundle = make(f"b{number}", {"rules.toml": b"version = 1\n" + b"#" * number})
        install(bundle.folder, home, made.keys, good)
        os.utime(home / "bundles" / bundle.manifest.id, (number, number))
        ids.append(bundle.manifest.id)
    assert [(b.id, b.active, b.previous) for b in installed(home)][2:] == [
        (ids[2], False, True), (ids[3], True, False),
    ]  # fmt: skip
    assert prune(home, 3) == (ids[0],)
    assert prune(home, 0) == (ids[1],)
    assert left(home) == {ids[2], ids[3], "current", "previous"}


def test_a_list_names_what_is_damaged(home: Path, made: Any) -> None:
    install(made.folder, home, made.keys, good)
    (current(home) / "manifest.json").write_bytes(b"{")
    (found,) = installed(home)
    assert found.manifest is None
    assert "damaged" in found.damage


def steps_of(home: Path, work: Callable[[], Any]) -> int:
    """How many system calls that change the bundles folder the work makes."""
    return _run_killed(home, work, None)


def _run_killed(home: Path, work: Callable[[], Any], at: int | None) -> int:
    """Run in a child that is killed before its change number `at`; how many changes it came to."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        os.waitpid(child, 0)
        with os.fdopen(read, "rb") as told:
            return len(told.read())
    names = ("rename", "replace", "symlink_to", "unlink", "mkdir")

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **more: Any) -> Any:
            nonlocal at
            os.write(write, b".")
            if at is not None:
                if at == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                at -= 1
            return call(*given, **more)

        return run

    for name in names:
        setattr(Path, name, counted(getattr(Path, name)))
    try:
        work()
    finally:
        os._exit(0)


def test_killed_before_any_change_the_old_or_the_new_one_is_active_and_a_second_try_finishes(
    home: Path, made: Any, second: Any, tmp_path: Path
) -> None:
    install(made.folder, home, made.keys, good)
    shutil.copytree(home, tmp_path / "start", symlinks=True)
    ids = {made.manifest.id, second.manifest.id}

    def anew() -> None:
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "start", home, symlinks=True)

    def work() -> None:
        install(second.folder, home, made.keys, good)

    anew()
    steps = steps_of(home, work)
    assert steps > 10
    seen = set()
    for at in range(steps):
        anew()
        _run_killed(home, work, at)
        active = current(home)
        seen.add(active.name)
        assert active.name in ids
        verify_bundle(active, made.keys)
        work()
        assert current(home).name == second.manifest.id
        assert store.linked(home / "bundles", "previous") == made.manifest.id
        assert left(home) == {*ids, "current", "previous"}
    assert seen == ids


def test_killed_in_a_rollback_it_is_done_or_not_and_never_half(
    home: Path, made: Any, second: Any, tmp_path: Path
) -> None:
    install(made.folder, home, made.keys, good)
    install(second.folder, home, made.keys, good)
    shutil.copytree(home, tmp_path / "start", symlinks=True)
    steps = steps_of(home, lambda: rollback(home, made.keys, good))
    for at in range(steps):
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "start", home, symlinks=True)
        _run_killed(home, lambda: rollback(home, made.keys, good), at)
        with store.holding(home, "looking"):
            links = [store.linked(home / "bundles", n) for n in ("current", "previous")]
        assert sorted(links) == sorted([made.manifest.id, second.manifest.id])


def test_a_rollback_that_was_cut_short_is_finished_by_the_same_command(
    home: Path, made: Any, second: Any, tmp_path: Path
) -> None:
    install(made.folder, home, made.keys, good)
    install(second.folder, home, made.keys, good)
    shutil.copytree(home, tmp_path / "start", symlinks=True)
    steps = steps_of(home, lambda: rollback(home, made.keys, good))
    begun = set()
    for at in range(steps):
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "start", home, symlinks=True)
        _run_killed(home, lambda: rollback(home, made.keys, good), at)
        begun.add(store.cut_short(home))
        assert rollback(home, made.keys, good) == (made.manifest.id, second.manifest.id)
        assert current(home).name == made.manifest.id
    assert begun == {"", "rollback"}


def test_an_install_that_was_cut_short_does_not_keep_a_rollback_from_its_work(
    home: Path, made: Any, second: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(made.folder, home, made.keys, good)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(Path, "symlink_to", _full)
        install(second.folder, home, made.keys, good)
    assert rollback(home, made.keys, good) == (made.manifest.id, second.manifest.id)


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [(errno.ENOSPC, OSError, "current.link"), (errno.EPERM, RealignError, "a file system without links")],
)
def test_a_link_that_cannot_be_made_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, kind: type[Exception], words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(kind, match=words):
        store._point(tmp_path, "current", "0" * 16)
