"""The decoder with its key/value cache: tokens in, logits out, what was read stays.

`run(past)` goes on behind the first `past` tokens of what the cache holds, so that a question can be taken back and
another one asked about the same photo.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from realign_edge.bundle.contract import StationProfile
from realign_edge.station.decoding.marks import Marks

Floats = NDArray[np.float32]
Inputs = Mapping[str, NDArray[Any]]
NOTHING: Inputs = {}
# Buffers grow by whole steps, so that a photo of a few tokens more does not move them.
_STEP = 128


class Cache(Protocol):
    """length: how many tokens it holds."""

    length: int

    def run(self, embeds: Floats, past: int, keep: int, marks: Marks | None = None, more: Inputs = NOTHING) -> Floats:
        """Read embeds (1, s, hidden) behind the first `past` tokens; logits (keep, vocabulary) of the last `keep`.

        marks: (s,) who of them attend to one another (decoding/marks.py), None where all are ordinary; more: the
        graph's inputs that are about the photo, or stand in place of plain ones.
        """


def open_cache(session: Any, profile: StationProfile) -> Cache:
    """The kind of cache that the bundle's decoder takes."""
    return SharedCache(session, profile) if profile.cache == "shared" else GrownCache(session, profile)


class SharedCache:
    """Past and present are one preallocated buffer per layer, which the graph writes in place.

    Each buffer is (1, kv_heads, room, head_dim) float32; how much of it is filled the attention mask tells. The
    buffers stay from photo to photo: no step copies what was read, and no photo allocates anew.
    """

    def __init__(self, session: Any, profile: StationProfile) -> None:
        self.length = 0
        self._calls = _Calls(session, profile)
        self._room = 0
        self._buffers: dict[str, Floats] = {}

    def run(self, embeds: Floats, past: int, keep: int, marks: Marks | None = None, more: Inputs = NOTHING) -> Floats:
        """See `Cache`."""
        self._make_room(past + embeds.shape[1])
        logits = self._calls.run(embeds, past, keep, marks, more)
        self.length = past + embeds.shape[1]
        return logits

    def _make_room(self, needed: int) -> None:
        if needed <= self._room:
            return
        calls = self._calls
        self._room = -(-needed // _STEP) * _STEP
        for past, present in zip(calls.pasts, calls.presents, strict=True):
            buffer = calls.empty(self._room)
            if self.length:
                buffer[:, :, : self.length] = self._buffers[past][:, :, : self.length]
            # On a CPU this value is the array itself, not a copy of it.
            value = onnxruntime.OrtValue.ortvalue_from_numpy(buffer)
            calls.binding.bind_ortvalue_input(past, value)
            calls.binding.bind_ortvalue_output(present, value)
            self._buffers[past] = buffer


class GrownCache:
    """Present is past plus the new tokens, newly allocated by the graph at every step."""

    def __init__(self, session: Any, profile: StationProfile) -> None:
        self.length = 0
        self._calls = _Calls(session, profile)
        self._kept: list[Any] = []

    def run(self, embeds: Floats, past: int, keep: int, marks: Marks | None = None, more: Inputs = NOTHING) -> Floats:
        """See `Cache`."""
        calls = self._calls
        for name, value in zip(calls.pasts, self._cut(past), strict=True):
            calls.binding.bind_ortvalue_input(name, value)
        for name in calls.presents:
            calls.binding.bind_output(name, "cpu")
        logits = calls.run(embeds, past, keep, marks, more)
        self._kept = calls.binding.get_outputs()[1:]
        self.length = past + embeds.shape[1]
        return logits

    def _cut(self, past: int) -> list[Any]:
        if past and past == self.length:
            return self._kept
        kept = [np.ascontiguousarray(v.numpy()[:, :, :past]) for v in self._kept] if past else []
        values = kept or [self._calls.empty(0)] * len(self._calls.pasts)
        return [onnxruntime.OrtValue.ortvalue_from_numpy(v) for v in values]


class _Calls:
    """What both kinds share: names, and what goes in and out besides past and present."""

    def __init__(self, session: Any, profile: StationProfile) -> None:
        self.session, self.profile = session, profile
        self.binding = session.io_binding()
        self._inputs = {i.name for i in session.get_inputs()}
        # Of the tokens that the cache holds.
        self._marks = np.zeros(0, np.int64)
        layers = [(n, kind) for n in range(profile.layers) for kind in ("key", "value")]
        self.pasts = [f"past_key_values.{n}.{kind}" for n, kind in layers]
        self.presents = [f"present.{n}.{kind}" for n, kind in layers]
        # Bound first: outputs come back in the order in which they were bound, not in the graph's.
        self._bind_logits(1)

    def empty(self, room: int) -> Floats:
        """Zeros, (1, kv_heads, room, head_dim)."""
        return np.zeros((1, self.profile.kv_heads, room, self.profile.head_dim), np.float32)

    def run(self, embeds: Floats, past: int, keep: int, marks: Marks | None, more: Inputs) -> Floats:
        """Logits (keep, vocabulary); they are overwritten by the next call with the same `keep`."""
        total = past + embeds.shape[1]
        if keep != self._logits.shape[1]:
            self._bind_logits(keep)
        new = np.ones(embeds.shape[1], np.int64) if marks is None else marks
        self._marks = np.concatenate([self._marks[:past], new])
        values = {
            "inputs_embeds": np.ascontiguousarray(embeds, np.float32),
            "attention_mask": self._marks[None],
            "position_ids": np.arange(past, total, dtype=np.int64)[None],
            "num_logits_to_keep": np.asarray(keep, np.int64),
            **more,
        }
        for name in self._inputs & values.keys():
            self.binding.bind_cpu_input(name, values[name])
        self.session.run_with_iobinding(self.binding)
        rows: Floats = self._logits[0]
        return rows

    def _bind_logits(self, keep: int) -> None:
        self._logits = np.zeros((1, keep, self.profile.vocabulary), np.float32)
        self.binding.bind_ortvalue_output("logits", onnxruntime.OrtValue.ortvalue_from_numpy(self._logits))
