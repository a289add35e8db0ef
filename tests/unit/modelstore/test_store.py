"""Adding, adding again, verifying: nothing half, nothing believed that was not looked at."""

import errno
import json
import os
import shutil
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from realign_edge.errors import Interrupted, MissingError, RealignError, UsageError
from realign_edge.modelstore import store
from realign_edge.modelstore.manifest import read_manifest
from realign_edge.modelstore.verify import verify
from realign_edge.progress import Silent
from realign_edge.runs.lock import work_lock

SECOND = "model-00002-of-00002.safetensors"


def left(home: Path) -> list[str]:
    """What lies in the store besides its lock."""
    return sorted(p.name for p in (home / "models").iterdir() if p.name != ".lock")


def checksums(folder: Path, file: Path) -> Path:
    lines = [f"{sha256(p.read_bytes()).hexdigest()}  ./{p.name}\n" for p in sorted(folder.iterdir())]
    file.write_text("".join(lines))
    return file


def test_a_model_is_copied_with_a_manifest_of_all_files(model_folder: Path, home: Path) -> None:
    (model_folder / "modeling_x.py").write_text("raise SystemExit")
    found = store.add(model_folder)
    assert (found.new, found.left_out, left(home)) == (True, ("modeling_x.py",), ["plant-llava"])
    manifest = read_manifest(found.folder)
    assert manifest == found.manifest
    assert manifest.files.keys() | {"manifest.json"} == {p.name for p in found.folder.iterdir()}
    for name, about in manifest.files.items():
        data = (model_folder / name).read_bytes()
        assert (about.size, about.sha256) == (len(data), sha256(data).hexdigest())
    assert store.locate("plant-llava") == found.folder


class Noted(Silent):
    """Remembers the tasks that were begun."""

    def __init__(self) -> None:
        self.tasks: list[str] = []

    def start(self, task: str, total: int, unit: str = "photos") -> None:  # noqa: ARG002
        self.tasks.append(task)


def test_adding_the_same_again_reads_no_weights(model_folder: Path, home: Path) -> None:
    store.add(model_folder)
    noted = Noted()
    assert not store.add(model_folder, progress=noted).new
    assert noted.tasks == []


def test_the_same_bytes_with_other_times_are_compared_and_are_the_same(model_folder: Path, home: Path) -> None:
    store.add(model_folder)
    for seconds in (0, 10**9):
        os.utime(model_folder / SECOND, (seconds, seconds))
        noted = Noted()
        assert not store.add(model_folder, progress=noted).new
        assert noted.tasks == ["Comparing"]


def test_another_model_under_the_same_name_is_refused(model_folder: Path, home: Path) -> None:
    found = store.add(model_folder)
    before = verify(found.folder)
    tensors = load_file(model_folder / SECOND)
    save_file({k: v + np.float32(1) for k, v in tensors.items()}, model_folder / SECOND)
    os.utime(model_folder / SECOND, (1, 1))
    with pytest.raises(UsageError, match="another model is installed as `plant-llava`") as refused:
        store.add(model_folder)
    assert "--name" in refused.value.hint
    assert verify(found.folder) == before
    assert store.add(model_folder, name="tuned").new


def test_a_damaged_installed_model_is_not_called_the_same(model_folder: Path, home: Path) -> None:
    found = store.add(model_folder)
    (found.folder / SECOND).unlink()
    with pytest.raises(RealignError, match=f"damaged: {SECOND}"):
        store.add(model_folder)


def test_a_folder_put_there_by_hand_is_not_overwritten(model_folder: Path, home: Path) -> None:
    shutil.copytree(model_folder, home / "models" / "plant-llava")
    with pytest.raises(UsageError, match="another model"):
        store.add(model_folder)
    with pytest.raises(MissingError, match=r"no manifest\.json"):
        verify(home / "models" / "plant-llava")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "-x", "a b", "x" * 81, "..", "x."])
def test_names_that_are_none(model_folder: Path, home: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        store.add(model_folder, name=name)
    assert left(home) == []


def test_the_name_of_the_embedded_model_is_taken(model_folder: Path, home: Path) -> None:
    with pytest.raises(UsageError, match="embedded"):
        store.add(model_folder, name="nano")


def test_a_licence_beside_the_folder_is_taken_along(model_folder: Path, home: Path, tmp_path: Path) -> None:
    (model_folder / "LICENSE").rename(tmp_path / "llama2.txt")
    found = store.add(model_folder, licence=tmp_path / "llama2.txt")
    assert (found.folder / "LICENSE").read_text() == (tmp_path / "llama2.txt").read_text()
    assert not store.add(model_folder, licence=tmp_path / "llama2.txt").new
    with pytest.raises(MissingError, match=r"gone\.txt cannot be read"):
        store.add(model_folder, licence=tmp_path / "gone.txt")


def test_checksums_that_agree(model_folder: Path, home: Path, tmp_path: Path) -> None:
    sums = checksums(model_folder, tmp_path / "SHA256SUMS")
    assert store.add(model_folder, checksums=sums).new
    assert not store.add(model_folder, checksums=sums).new


def test_a_checksum_mismatch_names_the_file_and_leaves_nothing(model_folder: Path, home: Path, tmp_path: Path) -> None:
    sums = checksums(model_folder, tmp_path / "SHA256SUMS")
    data = bytearray((model_folder / SECOND).read_bytes())
    data[-1] ^= 1
    (model_folder / SECOND).write_bytes(data)
    with pytest.raises(MissingError, match=f"checksum mismatch: {SECOND}"):
        store.add(model_folder, checksums=sums)
    assert left(home) == []
    store.add(model_folder)
    with pytest.raises(MissingError, match=f"checksum mismatch: {SECOND}"):
        store.add(model_folder, checksums=sums)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "line 1 is no checksum"),
        ("", "names no file of this model"),
        (f"{'0' * 64}  other.bin", "names no file of this model"),
        (f"{'0' * 64}  LICENSE\n{'1' * 64} *LICENSE", "two different checksums for LICENSE"),
    ],
)
def test_checksum_files_that_are_none(model_folder: Path, home: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "sums").write_text(text)
    with pytest.raises(MissingError, match=words):
        store.add(model_folder, checksums=tmp_path / "sums")


def test_no_room_is_told_before_copying(model_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(RealignError, match=r"are free at .*: nothing was copied"):
        store.add(model_folder)
    assert left(home) == []


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "No space left on device"), (errno.EIO, "Input/output")])
def test_a_copy_that_fails_leaves_nothing_and_says_so(
    model_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fsync(_: int) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(RealignError, match=f"nothing is left of it: {words}") as failed:
            store.add(model_folder)
    assert failed.value.hint
    assert left(home) == []
    assert store.add(model_folder).new


def test_what_the_header_hides_is_found_by_the_library(model_folder: Path, home: Path) -> None:
    """Two tensors in the same bytes: the sizes agree, and safetensors itself refuses."""
    data = (model_folder / SECOND).read_bytes()
    length = int.from_bytes(data[:8], "little")
    table = json.loads(data[8 : 8 + length])
    table["language_model.model.layers.0.input_layernorm.weight"]["data_offsets"] = [0, 64]
    header = json.dumps(table).encode()
    (model_folder / SECOND).write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    with pytest.raises(MissingError, match=f"{SECOND} is damaged"):
        store.add(model_folder)
    assert left(home) == []


def test_a_tokenizer_that_is_cut_off_is_found(model_folder: Path, home: Path) -> None:
    (model_folder / "tokenizer.json").write_text('{"version": ')
    with pytest.raises(MissingError, match=r"tokenizer\.json is damaged"):
        store.add(model_folder)
    assert left(home) == []


def test_an_end_that_is_asked_for_leaves_nothing(model_folder: Path, home: Path) -> None:
    with pytest.raises(Interrupted):
        store.add(model_folder, stopped=lambda: True)
    assert left(home) == []


def test_what_a_killed_copy_left_is_swept_unless_a_copy_is_going_on(model_folder: Path, home: Path) -> None:
    torn = home / "models" / ".plant-llava.adding"
    torn.mkdir(parents=True)
    (torn / SECOND).write_bytes(b"x")
    with work_lock(home / "models" / ".lock", "adding a model"):
        store.tidy()
        assert torn.exists()
        with pytest.raises(RealignError, match="other work is going on: adding a model"):
            store.add(model_folder)
    store.tidy()
    assert left(home) == []


def test_verify_names_what_changed_what_is_missing_and_what_is_extra(model_folder: Path, home: Path) -> None:
    folder = store.add(model_folder).folder
    assert verify(folder).sound
    data = bytearray((folder / SECOND).read_bytes())
    data[-1] ^= 1
    (folder / SECOND).write_bytes(data)
    (folder / "LICENSE").unlink()
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to("config.json")
    (folder / "deep").mkdir()
    (folder / "deep" / "evil.py").write_text("x")
    found = verify(folder)
    assert (found.changed, found.missing, found.extra) == (("README.md", SECOND), ("LICENSE",), ("deep/evil.py",))


def test_a_manifest_that_names_files_elsewhere_is_not_followed(model_folder: Path, home: Path) -> None:
    folder = store.add(model_folder).folder
    value = json.loads((folder / "manifest.json").read_text())
    value["files"]["../../secret"] = {"size": 1, "sha256": "", "changed": 0}
    (folder / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(RealignError, match=r"manifest\.json is damaged"):
        verify(folder)


def test_the_hubs_cache_tells_name_and_revision(model_folder: Path, home: Path, tmp_path: Path) -> None:
    """There, the files are links to blobs."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    cache = tmp_path / "hub" / "models--llava-hf--llava-1.5-7b-hf"
    shutil.copytree(model_folder, cache / "blobs")
    (cache / "snapshots" / commit).mkdir(parents=True)
    for path in (cache / "blobs").iterdir():
        (cache / "snapshots" / commit / path.name).symlink_to(f"../../blobs/{path.name}")
    found = store.add(cache / "snapshots" / commit)
    origin = found.manifest.origin
    assert found.folder.name == "llava-1.5-7b-hf"
    assert (origin.hub, origin.revision, origin.known_by) == ("llava-hf/llava-1.5-7b-hf", commit, "hub cache")
    assert not any(p.is_symlink() for p in found.folder.iterdir())


def test_a_name_of_the_hub_is_taken_for_a_guess(model_folder: Path, home: Path) -> None:
    folder = model_folder.rename(model_folder.with_name("llava-1.5-13b-hf"))
    note = folder / ".cache" / "huggingface" / "download"
    note.mkdir(parents=True)
    (note / "config.json.metadata").write_text("f" * 40 + "\netag\n1.0\n")
    origin = store.add(folder).manifest.origin
    assert (origin.hub, origin.revision, origin.known_by) == ("llava-hf/llava-1.5-13b-hf", "f" * 40, "name")


def test_a_tokenizer_that_makes_texts_endless_is_not_taken_in(home: Path, model_folder: Path) -> None:
    path = model_folder / "tokenizer.json"
    ten = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
    rules = {"type": "Sequence", "normalizers": [ten] * 9}
    path.write_text(json.dumps({**json.loads(path.read_text()), "normalizer": rules}))
    with pytest.raises(MissingError, match=r"tokenizer\.json makes a text more than 64 times as long"):
        store.add(model_folder)
    assert not (home / "models" / model_folder.name).exists()
