"""The weights of a model folder: safetensors alone, every shard there and whole, every part of the family in them."""

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from realign_edge.errors import MissingError
from realign_edge.modelstore.header import HEADER_MOST, Header, HeaderError, parse_header
from realign_edge.modelstore.source import COPY_AGAIN, Source, read_json
from realign_edge.vlm.family import Family

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_PARTS = {"vision_tower": "vision tower", "projector": "projector", "language_model": "language model"}
_SHOWN = 3


def check_weights(source: Source, family: Family) -> frozenset[str]:
    """The names of the weight files, all of them whole.

    Raises:
        MissingError: weights are missing, truncated, in another form, or of another layout.
    """
    shards = _shards(source)
    headers = {name: _whole(source, name) for name in sorted(shards)}
    for name, wanted in shards.items():
        lacking = wanted - {t.name for t in headers[name].tensors}
        if lacking:
            raise MissingError(f"{source.where}: {name} lacks {_some(lacking)}, which {INDEX} promises", COPY_AGAIN)
    names = [tensor.name for header in headers.values() for tensor in header.tensors]
    for part, words in _PARTS.items():
        expression = re.compile(getattr(family.tensors, part))
        if not any(expression.match(name) for name in names):
            raise MissingError(
                f"{source.where}: the weights hold no {words} under the names that {family.title} has",
                "take the checkpoint in the layout of transformers itself (on the hub its name often ends in -hf)",
            )
    return frozenset(shards) | ({INDEX} if SINGLE not in shards else set())


def shard_names(weight_map: Mapping[str, object]) -> dict[str, set[str]]:
    """Files that an index names, with the tensors each must hold.

    Raises:
        ValueError: a name points outside the folder; it is the text.
    """
    shards: dict[str, set[str]] = {}
    for tensor, name in weight_map.items():
        if not isinstance(name, str) or name in ("", "..") or "\\" in name or PurePosixPath(name).name != name:
            raise ValueError(str(name))
        shards.setdefault(name, set()).add(tensor)
    return shards


def _shards(source: Source) -> dict[str, set[str]]:
    """Weight files with the tensors that each must hold; transformers, too, prefers the single file."""
    if SINGLE in source.entries:
        return {SINGLE: set()}
    if INDEX not in source.entries:
        raise _without_index(source)
    weight_map = read_json(source, INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise MissingError(f"{source.where}: {INDEX} names no files", COPY_AGAIN)
    try:
        shards = shard_names(weight_map)
    except ValueError as problem:
        raise MissingError(
            f"{source.where}: {INDEX} names a file outside the folder: {str(problem)!r}",
            "do not use this copy; fetch the model again from where it was published",
        ) from problem
    if others := {name for name in shards if not name.endswith(".safetensors")}:
        raise _pickles(source, others)
    if missing := shards.keys() - source.entries.keys():
        raise MissingError(
            f"{source.where}: {len(missing)} of {len(shards)} weight files are missing: {_some(missing)}",
            "copy the missing files into the folder",
        )
    return shards


def _without_index(source: Source) -> MissingError:
    names = source.entries.keys()
    if any(name.endswith(".safetensors") for name in names):
        return MissingError(f"{source.where}: {INDEX} is missing", "copy the index that belongs to the weights")
    if pickles := {name for name in names if name.endswith(_PICKLES)}:
        return _pickles(source, pickles)
    return MissingError(f"{source.where} holds no safetensors weights", COPY_AGAIN)


def _pickles(source: Source, names: set[str]) -> MissingError:
    return MissingError(
        f"{source.where}: the weights are pickle files ({_some(names)}), which can run program code when read",
        "take the checkpoint with .safetensors files, or convert it on another machine and copy the result",
    )


def _whole(source: Source, name: str) -> Header:
    """The header of a file that is as long as it says."""
    size = source.entries[name].size
    try:
        header = parse_header(_header_of(source, name))
    except HeaderError as problem:
        raise MissingError(f"{source.where}: {name} is damaged: {problem}", COPY_AGAIN) from problem
    if header.size != size:
        is_short = size < header.size
        raise MissingError(
            f"{source.where}: {name} is {'truncated' if is_short else 'damaged'}: "
            f"{size:,} bytes instead of {header.size:,}",
            "copy this file again" if is_short else COPY_AGAIN,
        )
    return header


def _header_of(source: Source, name: str) -> bytes:
    """Two reads of a folder: the length says how much is wanted."""
    start = source.head(name, 8)
    length = int.from_bytes(start, "little") if len(start) == 8 else 0
    return source.head(name, 8 + length) if length <= HEADER_MOST else start


def _some(names: Collection[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
