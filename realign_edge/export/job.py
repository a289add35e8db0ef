"""What a bundle is made from, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.bundle.manifest import BundleManifest
from realign_edge.evaluation.evaluate import build_exam
from realign_edge.export.merge import Merge
from realign_edge.export.parity.sitting import Paper
from realign_edge.export.settings import ExportSettings
from realign_edge.glossary.facts import facts_of
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language, describe_question
from realign_edge.photos.model import Photo
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import Pooling

# Of the probes; which ones are asked matters little here, since both models get the same.
_SEED = 0


@dataclass(frozen=True)
class Job:
    """One export. model: name or folder of the base; run: the run's folder, with its `adapter/`; photos: of the
    collection; evaluation: what evaluation.json holds, None without one; pairs: trained on, by kind; created: UTC,
    ISO 8601; photo_tokens: what a photo may take, 0 = as the model's family has it.
    """

    model: str
    run: Path
    photos: tuple[Photo, ...]
    glossary: Glossary
    language: Language
    pooling: Pooling
    settings: ExportSettings
    evaluation: Mapping[str, Any] | None
    pairs: Mapping[str, int]
    created: str
    photo_tokens: int = 0

    @property
    def train(self) -> tuple[Photo, ...]:
        """What the model was trained on."""
        return tuple(p for p in self.photos if p.split == "train")

    @property
    def held_out(self) -> tuple[Photo, ...]:
        """What it was not; those whose records say something come first. Of a collection without any, all photos."""
        found = [p for p in self.photos if p.split == "held_out"] or list(self.photos)
        return tuple(sorted(found, key=lambda p: facts_of(p.record, self.glossary) is None))

    @property
    def calibration_photos(self) -> tuple[Photo, ...]:
        """Held-out photos that are judged whole, and on which thresholds are put; the first few are any of them."""
        return tuple(sorted(self.held_out[: self.settings.calibration_photos], key=lambda p: p.sha256))

    @property
    def question(self) -> str:
        """What is asked about every photo."""
        return describe_question(self.language)

    def paper(self) -> Paper:
        """The questions of the parity gate."""
        photos = self.held_out[: self.settings.parity_photos]
        facts = {p.sha256: facts_of(p.record, self.glossary) for p in photos}
        exam = build_exam(photos, facts, self.glossary, {}, _SEED, self.language)
        if not exam.photos:
            return Paper(photos, self.question)
        return Paper(exam.photos, self.question, exam.facts, exam.probes)


@dataclass(frozen=True)
class Aligned:
    """The run's model as one: the adapter merged into the unquantised base, and what that changed."""

    vlm: Vlm
    merge: Merge


@dataclass(frozen=True)
class Exported:
    """folder: the finished, signed bundle; left_out: graph, precision and why it did not pass the gate."""

    folder: Path
    manifest: BundleManifest
    left_out: tuple[tuple[str, str, str], ...]
