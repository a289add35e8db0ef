"""An exported decoder under onnxruntime: fed with embeddings, its cache grown or in shared buffers."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort


def session(path: Path) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(path, options)


class Runner:
    """Feeds by name. Cache as a dict of the inputs' names."""

    def __init__(self, path: Path) -> None:
        self.session = session(path)
        self.past = {v.name: v.shape for v in self.session.get_inputs() if v.name.startswith("past_key_values")}

    def empty(self, batch: int = 1) -> dict[str, Any]:
        return {name: np.zeros((batch, s[1], 0, s[3]), np.float32) for name, s in self.past.items()}

    def run(self, states: Any, past: dict[str, Any] | None = None, keep: int = 0) -> tuple[Any, dict[str, Any]]:
        """Logits (batch, kept, vocabulary) and the cache behind `states` (batch, length, hidden)."""
        past = past if past is not None else self.empty(len(states))
        start = next(iter(past.values())).shape[2]
        names = [v.name for v in self.session.get_outputs()]
        found = dict(zip(names, self.session.run(None, self._feeds(states, start, keep) | past), strict=True))
        logits = found.pop("logits")
        return logits, {name.replace("present", "past_key_values"): v for name, v in found.items()}

    def buffers(self, longest: int) -> dict[str, Any]:
        return {
            name: ort.OrtValue.ortvalue_from_numpy(np.zeros((1, s[1], longest, s[3]), np.float32))
            for name, s in self.past.items()
        }

    def run_shared(self, states: Any, start: int, buffers: dict[str, Any], keep: int = 0) -> Any:
        """Logits; past and present of a layer are one buffer."""
        binding = self.session.io_binding()
        for name, value in self._feeds(states, start, keep).items():
            binding.bind_cpu_input(name, value)
        for name, buffer in buffers.items():
            binding.bind_ortvalue_input(name, buffer)
            binding.bind_ortvalue_output(name.replace("past_key_values", "present"), buffer)
        binding.bind_output("logits")
        self.session.run_with_iobinding(binding)
        return binding.get_outputs()[-1].numpy()

    @staticmethod
    def _feeds(states: Any, start: int, keep: int) -> dict[str, Any]:
        batch, length = states.shape[:2]
        return {
            "inputs_embeds": np.ascontiguousarray(states, np.float32),
            "attention_mask": np.ones((batch, start + length), np.int64),
            "position_ids": np.tile(np.arange(start, start + length), (batch, 1)),
            "num_logits_to_keep": np.array(keep, np.int64),
        }
