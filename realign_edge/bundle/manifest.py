"""`manifest.json`: what a bundle is, and every file in it. The same content gives the same bytes."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, Literal, get_args

from realign_edge.bundle.contract import GRAPHS, MANIFEST, SIGNATURE, Graph, Precision
from realign_edge.bundle.errors import BundleError
from realign_edge.config.load import from_values
from realign_edge.errors import UsageError
from realign_edge.files import sha256_bytes

Role = Literal[
    "graph", "weights", "model", "station", "rules", "glossary", "index", "thumbnail", "golden", "evaluation", "parity",
    "baseline", "licence",
]  # fmt: skip
# Of these files an answer of the model is made; together they are its identity.
MODEL_ROLES: frozenset[Role] = frozenset(("graph", "weights", "model"))
# 200 bytes a file: a manifest of this size names 300,000 of them.
MANIFEST_MOST = 64 * 2**20
_ID = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# One part of a path: a plain name on every file system, never hidden and never an option.
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DEEPEST, _LONGEST = 6, 240
AGAIN = "copy the bundle again, or export it anew on the workstation"


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file. path: below the bundle's folder, with `/`; size: bytes; sha256: hexadecimal."""

    path: str
    size: int
    sha256: str
    role: Role

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if len(parts) > _DEEPEST or len(self.path) > _LONGEST or not all(map(_PART.fullmatch, parts)):
            raise ValueError(f"{self.path!r} is no path that a bundle may hold")
        if self.path in (MANIFEST, SIGNATURE):
            raise ValueError(f"{self.path} cannot list itself")
        if self.size < 0 or not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"size or SHA-256 of {self.path} makes no sense")


@dataclass(frozen=True, slots=True)
class BaseModel:
    """The model before alignment. fingerprint: of weights, tokenizer and template; licence: "" where not known."""

    name: str
    family: str
    fingerprint: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """How the model was aligned. photos: trained on; held_out: judged on; pairs: by kind; adopt: recommended?"""

    run: str
    adapter_sha256: str
    photos: int
    held_out: int
    pairs: Mapping[str, int]
    adopt: bool
    decision: str


@dataclass(frozen=True, slots=True)
class GraphParity:
    """One graph in one precision against the torch model. reason: why it is left out, "" where it is shipped."""

    graph: Graph
    precision: Precision
    size: int
    passed: bool
    reason: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """A bundle. id: of its content, without time and site; created: UTC, ISO 8601; precisions: what each graph runs
    in; model_sha256: of all files that answers are made of."""

    id: str
    model_sha256: str
    created: str
    site: str
    base: BaseModel
    training: Training
    tools: Mapping[str, str]
    preprocessing: Mapping[str, Any]
    precisions: Mapping[Graph, Precision]
    parity: tuple[GraphParity, ...]
    files: tuple[BundleFile, ...]
    format: Literal[1] = 1

    def __post_init__(self) -> None:
        paths = [f.path for f in self.files]
        if any(a >= b for a, b in pairwise(paths)):
            raise ValueError("files are not sorted, or one stands twice")
        folded = {unicodedata.normalize("NFC", p).casefold() for p in paths}
        if len(folded) < len(paths):
            raise ValueError("two files have names that some file systems take for the same")
        if {*self.precisions} != {*GRAPHS} or not {*self.precisions.values()} <= {*get_args(Precision)}:
            raise ValueError(f"precisions must be given of {', '.join(GRAPHS)}")
        if self.model_sha256 != model_hash(self.files):
            raise ValueError("model_sha256 is not that of the files")
        if not _ID.fullmatch(self.id) or self.id != content_id(_values(self)):
            raise ValueError("id is not that of the content")

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(f.size for f in self.files)


def is_id(text: str) -> bool:
    """Could this be the id of a bundle?"""
    return bool(_ID.fullmatch(text))


def model_hash(files: Iterable[BundleFile]) -> str:
    """SHA-256 over path and SHA-256 of the files that answers are made of."""
    lines = sorted(f"{f.sha256}  {f.path}\n" for f in files if f.role in MODEL_ROLES)
    return sha256_bytes("".join(lines).encode())


def content_id(values: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that change with anything but time and site; values: of a manifest, by name."""
    kept = {name: value for name, value in values.items() if name not in ("id", "created", "site")}
    return sha256_bytes(_canonical(kept))[:16]


def make_manifest(files: Iterable[BundleFile], **about: Any) -> BundleManifest:
    """A manifest whose id and model_sha256 are worked out; about: its other fields.

    Raises:
        ValueError: a value makes no sense.
    """
    ordered = tuple(sorted(files, key=lambda f: f.path))
    values = {**about, "format": 1, "files": ordered, "model_sha256": model_hash(ordered)}
    return BundleManifest(id=content_id(values), **values)


def manifest_bytes(manifest: BundleManifest) -> bytes:
    """What is written and signed."""
    return _canonical(asdict(manifest))


def parse_manifest(data: bytes) -> BundleManifest:
    """The manifest that these bytes are; called once their signature was found good.

    Raises:
        BundleError: they are none, or of a newer format; every problem is named.
    """
    try:
        value = json.loads(data, object_pairs_hook=_once, parse_constant=_no_number)
        if not isinstance(value, dict):
            raise ValueError("it holds no object")
        if value.get("format") != 1:
            raise BundleError(
                f"{MANIFEST} is of format {value.get('format')!r}, and this program reads 1",
                "install the version of realign-edge that the bundle was made with, or a newer one",
            )
        return from_values(BundleManifest, value, MANIFEST)
    except UsageError as problem:
        raise BundleError(problem.message, AGAIN) from problem
    except (ValueError, RecursionError) as problem:
        raise BundleError(f"{MANIFEST} is damaged: {problem}", AGAIN) from problem


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which every key stands once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _values(manifest: BundleManifest) -> dict[str, Any]:
    return {f.name: getattr(manifest, f.name) for f in fields(manifest)}


def _canonical(values: Any) -> bytes:
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False, default=asdict)
    return (text + "\n").encode()
