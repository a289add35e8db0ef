"""The manifest: closed, the same bytes for the same content, nothing odd in it."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from realign_edge.bundle.errors import BundleError
from realign_edge.bundle.manifest import (
    BundleFile,
    BundleManifest,
    make_manifest,
    manifest_bytes,
    model_hash,
    parse_manifest,
)
from realign_edge.bundle.seal import role_of


def test_written_and_read_back_it_is_the_same(made: Any) -> None:
    assert parse_manifest(manifest_bytes(made.manifest)) == made.manifest
    assert (made.folder / "manifest.json").read_bytes() == manifest_bytes(made.manifest)


def values_of(manifest: BundleManifest) -> dict[str, Any]:
    return {f.name: getattr(manifest, f.name) for f in dataclasses.fields(manifest)}


def test_time_and_site_do_not_change_the_id_and_anything_else_does(made: Any) -> None:
    values = values_of(made.manifest)
    del values["id"], values["model_sha256"], values["format"]

    def again(**more: Any) -> BundleManifest:
        return make_manifest(**(values | more))

    assert again().id == made.manifest.id
    assert again(created="2027-01-01T00:00:00+00:00", site="elsewhere").id == made.manifest.id
    assert again(tools={"realign-edge": "0.2.0"}).id != made.manifest.id
    changed = dataclasses.replace(values["files"][0], sha256="d" * 64)
    other = again(files=(changed, *values["files"][1:]))
    assert other.id != made.manifest.id
    assert other.model_sha256 != made.manifest.model_sha256 or changed.role not in ("graph", "weights", "model")


def test_the_models_identity_is_of_what_answers_are_made_of(made: Any) -> None:
    files = made.manifest.files
    assert made.manifest.model_sha256 == model_hash(files) == model_hash(f for f in reversed(files))
    other = [dataclasses.replace(f, sha256="d" * 64) if f.role == "evaluation" else f for f in files]
    assert model_hash(other) == made.manifest.model_sha256
    other = [dataclasses.replace(f, sha256="d" * 64) if f.role == "weights" else f for f in files]
    assert model_hash(other) != made.manifest.model_sha256


@pytest.mark.parametrize(
    "path",
    ["../x", "/x", "a/../x", "a//x", "", "a/", ".hidden", "a/.x", "a\\x", "a b", "-x", "x\n", "ä", "a/b/c/d/e/f/g",
     "C:x", "x" * 129, "manifest.json", "manifest.sig"],
)  # fmt: skip
def test_odd_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"no path|cannot list itself"):
        BundleFile(path, 0, "a" * 64, "model")


def swap(text: str, old: str, new: str) -> bytes:
    assert old in text
    return text.replace(old, new, 1).encode()


CHANGES: list[tuple[Callable[[str], bytes], str]] = [
    (lambda t: swap(t, '"site":', '"sites":'), "unknown key `sites`"),
    (lambda t: swap(t, '"site": "Werk 1"', '"site": 1'), "`site` must be text"),
    (lambda t: swap(t, '"site": "Werk 1"', '"site": "a", "site": "b"'), "a key stands twice"),
    (lambda t: swap(t, '"photos": 340', '"photos": NaN'), "NaN is no number"),
    (lambda t: swap(t, '"photos": 340', '"photos": 341'), "id is not that of the content"),
    (lambda t: swap(t, '"format": 1', '"format": 2'), "is of format 2"),
    (lambda t: swap(t, '"role": "licence"', '"role": "code"'), "must be one of"),
    (lambda _: b"[]", "holds no object"),
    (lambda _: b"[" * 100_000, "is damaged"),
    (lambda _: b"\xff", "is damaged"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_what_makes_no_sense_is_refused_with_its_reason(made: Any, change: Callable[[str], bytes], words: str) -> None:
    with pytest.raises(BundleError) as refused:
        parse_manifest(change(manifest_bytes(made.manifest).decode()))
    assert words in refused.value.message
    assert refused.value.hint


def test_two_names_that_some_file_systems_take_for_the_same_are_refused(made: Any) -> None:
    values = json.loads(manifest_bytes(made.manifest))
    twin = {**values["files"][-1], "path": values["files"][-1]["path"].upper()}
    values["files"] = sorted([*values["files"], twin], key=lambda f: str(f["path"]))
    with pytest.raises(BundleError, match="take for the same"):
        parse_manifest(json.dumps(values).encode())


def test_roles() -> None:
    assert role_of("onnx/decoder_model_merged_q4.onnx") == "graph"
    assert role_of("onnx/decoder_model_merged_q4.onnx_data") == "weights"
    assert role_of("index/thumbnails/ab.jpg") == "thumbnail"
    assert role_of("index/records.jsonl") == "index"
    assert role_of("golden/photos/x.png") == "golden"
    assert role_of("LICENSE") == "licence"
    assert role_of("tokenizer.json") == "model"
