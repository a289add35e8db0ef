"""A small bundle of harmless files, signed by a key of the tests' own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from realign_edge.bundle.keys import SigningKey, workstation_key
from realign_edge.bundle.manifest import BaseModel, BundleManifest, GraphParity, Training
from realign_edge.bundle.seal import seal
from realign_edge.bundle.trust import TrustedKeys

FILES = {
    "onnx/vision_encoder.onnx": b"vision" * 500,
    "onnx/embed_tokens.onnx": b"embed" * 300,
    "onnx/decoder_model_merged_q4.onnx": b"decoder" * 900,
    "onnx/decoder_model_merged_q4.onnx_data": bytes(range(256)) * 40,
    "config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "station.json": b"{}",
    "rules.toml": b"version = 1\n",
    "glossary.toml": "[[term]]\nja = ['傷']\n".encode(),
    "index/vectors.npy": b"\x93NUMPY" + b"\0" * 122,
    "index/records.jsonl": b"",
    f"index/thumbnails/{'a' * 64}.jpg": b"\xff\xd8jpeg",
    "golden/golden.json": b"{}",
    f"golden/photos/{'b' * 64}.png": b"\x89PNG",
    "evaluation.json": b"{}",
    "parity.json": b"{}",
    "baseline.json": b"{}",
    "LICENSE": b"Apache-2.0\n",
}


@dataclass(frozen=True)
class Made:
    """A bundle, and the keys that it can be verified with."""

    folder: Path
    manifest: BundleManifest
    keys: TrustedKeys
    key: SigningKey


def about(**more: Any) -> dict[str, Any]:
    """Fields of a manifest that are not about files."""
    graphs = ("vision_encoder", "embed_tokens", "decoder_model_merged")
    values: dict[str, Any] = {
        "created": "2026-11-25T20:00:00+00:00",
        "site": "Werk 1",
        "base": BaseModel("nano", "llava", "0123456789abcdef", "Apache-2.0"),
        "training": Training("20261125-200000-abcd", "c" * 64, 340, 140, {"note": 340}, True, "Adopt: it is better."),
        "tools": {"realign-edge": "0.1.0"},
        "preprocessing": {"kind": "clip", "size": 96, "mean": [0.5, 0.5, 0.5]},
        "precisions": dict(zip(graphs, ("fp32", "fp32", "int4"), strict=True)),
        "parity": (GraphParity("vision_encoder", "fp32", 3000, True, "", {"max_difference": 1e-6}),),
    }
    return values | more


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Made]:
    """Make a signed bundle; files: what differs from FILES, None to leave one out."""

    def made(name: str = "bundle", files: dict[str, bytes | None] | None = None, **more: Any) -> Made:
        folder = tmp_path / "stick" / name
        for path, data in {**FILES, **(files or {})}.items():
            if data is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
        workstation = tmp_path / "workstation"
        workstation.mkdir(exist_ok=True)
        key = workstation_key(workstation)
        manifest = seal(folder, key, **about(**more))
        return Made(folder, manifest, TrustedKeys((key.public,)), key)

    return made


@pytest.fixture
def made(make: Callable[..., Made]) -> Made:
    """The usual bundle."""
    return make()
