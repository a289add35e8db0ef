"""Verifying: every change is found and named, all of them at once, and nothing is loaded before."""

import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.bundle.errors import BundleError, Problem
from realign_edge.bundle.verify import verify_bundle
from realign_edge.errors import MissingError


def problems(folder: Path, keys: Any) -> list[tuple[str, str]]:
    with pytest.raises(BundleError) as refused:
        verify_bundle(folder, keys)
    assert refused.value.exit_code == 1
    return [(p.kind, p.path) for p in refused.value.problems]


def test_a_whole_bundle_verifies(made: Any) -> None:
    assert verify_bundle(made.folder, made.keys) == made.manifest


def test_every_problem_is_named_at_once(made: Any, tmp_path: Path) -> None:
    folder = made.folder
    (folder / "config.json").write_bytes(b"[]")
    (folder / "tokenizer.json").write_bytes(b"{}")
    (folder / "rules.toml").unlink()
    (folder / "extra.txt").write_text("x")
    (folder / "onnx/.DS_Store").write_text("x")
    (folder / "empty/inner").mkdir(parents=True)
    (folder / "a\nb").write_text("x")
    (folder / "LICENSE").unlink()
    (folder / "LICENSE").symlink_to("/etc/hostname")
    (folder / "link").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "index/pipe")
    assert problems(folder, made.keys) == [
        ("odd", "LICENSE"), ("extra", "a\nb"), ("changed", "config.json"), ("extra", "empty/"),
        ("extra", "empty/inner/"), ("extra", "extra.txt"), ("odd", "index/pipe"), ("odd", "link"),
        ("extra", "onnx/.DS_Store"),
        ("missing", "rules.toml"), ("changed", "tokenizer.json"),
    ]  # fmt: skip


def test_a_name_cannot_confuse_a_terminal() -> None:
    assert str(Problem("extra", "a\x1b[2Jb")) == "extra: 'a\\x1b[2Jb'"


def test_a_message_stays_readable(made: Any) -> None:
    for number in range(50):
        (made.folder / f"extra{number:02}").touch()
    with pytest.raises(BundleError) as refused:
        verify_bundle(made.folder, made.keys)
    assert len(refused.value.problems) == 50
    assert refused.value.message.splitlines()[0].endswith("50 files are not as signed, and nothing was loaded")
    assert refused.value.message.splitlines()[-1] == "  and 30 more"


def test_folder_in_place_of_a_file_and_link_in_place_of_a_folder(made: Any, tmp_path: Path) -> None:
    (made.folder / "config.json").unlink()
    (made.folder / "config.json").mkdir()
    shutil.move(made.folder / "golden", tmp_path / "golden")
    (made.folder / "golden").symlink_to(tmp_path / "golden", target_is_directory=True)
    found = problems(made.folder, made.keys)
    assert ("odd", "config.json") in found
    assert ("odd", "golden") in found
    assert ("missing", "golden/golden.json") in found


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_without_manifest_or_signature_it_is_no_bundle(
    made: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made.folder / name
    data = path.read_bytes()
    path.unlink()
    assert problems(made.folder, made.keys) == [("missing", name)]
    (tmp_path / "elsewhere").write_bytes(data)
    path.symlink_to(tmp_path / "elsewhere")
    assert problems(made.folder, made.keys) == [("odd", name)]
    path.unlink()
    os.mkfifo(path)
    assert problems(made.folder, made.keys) == [("odd", name)]
    path.unlink()
    with socket.socket(socket.AF_UNIX) as endpoint:
        # The path of a socket may have 107 characters.
        monkeypatch.chdir(made.folder)
        endpoint.bind(name)
    assert problems(made.folder, made.keys) == [("odd", name)]


def test_an_endless_manifest_is_not_read(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realign_edge.bundle.verify.MANIFEST_MOST", 1000)
    with pytest.raises(BundleError, match="larger than 1,000 bytes"):
        verify_bundle(made.folder, made.keys)


def test_no_folder_is_a_missing_one(made: Any) -> None:
    with pytest.raises(MissingError, match="there is no bundle"):
        verify_bundle(made.folder / "gone", made.keys)


def test_nothing_is_parsed_before_the_signature_is_good(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Any:
        raise AssertionError("parsed too early")

    monkeypatch.setattr("json.loads", never)
    with (made.folder / "manifest.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match="the signature is wrong"):
        verify_bundle(made.folder, made.keys)


def change_one_byte(folder: Path, chance: random.Random) -> tuple[str, Callable[[], None]]:
    """Change a random byte of a random file; its name, and what puts it back."""
    path = chance.choice(sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size))
    data = path.read_bytes()
    changed = bytearray(data)
    changed[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    path.write_bytes(changed)

    def back() -> None:
        path.write_bytes(data)

    return path.relative_to(folder).as_posix(), back


def test_any_single_byte_is_noticed_and_its_file_named(made: Any) -> None:
    chance = random.Random(5)
    for _ in range(300):
        name, back = change_one_byte(made.folder, chance)
        found = problems(made.folder, made.keys)
        back()
        # A changed manifest shows in its signature.
        expected = "manifest.sig" if name.startswith("manifest.") else name
        assert [path for _, path in found] == [expected] or name == "manifest.sig"
    assert verify_bundle(made.folder, made.keys) == made.manifest


def test_verifying_needs_neither_torch_nor_a_runtime() -> None:
    code = (
        "import sys, realign_edge.bundle.verify, realign_edge.bundle.install, realign_edge.bundle.store\n"
        "heavy = {'torch', 'transformers', 'onnxruntime', 'numpy', 'hnswlib', 'safetensors', 'PIL'} & {*sys.modules}\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
