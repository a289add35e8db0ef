"""A workbench for training tests: the tiny model, features of twelve photos, pairs of ten of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from realign_edge.alignment.batches import Item, tokenised
from realign_edge.alignment.gradient import Learner
from realign_edge.alignment.lora import eject, inject, trainable
from realign_edge.alignment.reference import reference_logps
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.alignment.trainer import AlignmentResult, Workspace, align
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.progress import Silent
from realign_edge.team import Alone
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

SETTINGS = AlignmentSettings(
    steps=4, batch_pairs=4, lora_rank=4, checkpoint_every=2, learning_rate=5e-3, holdout_share=0.0
)


class Heard(Silent):
    """Remembers warnings and outcomes."""

    def __init__(self) -> None:
        self.warnings, self.finished = list[str](), list[str]()

    def finish(self, note: str = "") -> None:
        self.finished.append(note)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class Wishes:
    """Wants one thing after another, then nothing; notes which checkpoints there are when it waits."""

    def __init__(self, wishes: Iterable[Literal["go", "pause", "stop"]], checkpoints: Path) -> None:
        self.left, self.checkpoints, self.found = iter(wishes), checkpoints, list[list[str]]()

    def wish(self) -> Literal["go", "pause", "stop"]:
        return next(self.left, "go")

    def wait_while_paused(self) -> None:
        self.found.append(sorted(p.name for p in self.checkpoints.iterdir()))


@dataclass
class Run:
    """What came of one call of `align`."""

    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    progress: Heard = field(default_factory=Heard)
    waits: list[list[str]] = field(default_factory=list)
    result: AlignmentResult | None = None

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter" / "adapter_model.safetensors"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["type"] == kind]


@dataclass
class Workbench:
    vlm: Any
    store: FeatureStore
    pairs: Sequence[PreferencePair]
    references: Path
    settings: AlignmentSettings = SETTINGS

    def items(self) -> list[Item]:
        return tokenised(self.vlm, self.store, self.pairs)

    def learner(self, settings: AlignmentSettings = SETTINGS, budget: int = 4096) -> Learner:
        """With a fresh adapter in the model; `release` takes it out."""
        items = self.items()
        reference = reference_logps(self.vlm, self.store, items, self.references, 4096, Silent())
        self.wrapped = inject(self.vlm, settings)
        return Learner(self.vlm, self.store, items, settings, reference, budget, Heard(), Alone())

    def release(self) -> None:
        eject(self.vlm, self.wrapped)

    def gradients(self) -> dict[str, Any]:
        return {n: p.grad.clone() for n, p in trainable(self.vlm).items() if p.grad is not None}

    def train(
        self,
        folder: Path,
        settings: AlignmentSettings = SETTINGS,
        wishes: Iterable[Literal["go", "pause", "stop"]] = (),
        pairs: Sequence[PreferencePair] | None = None,
        into: Run | None = None,
    ) -> Run:
        """`into` keeps what was told also where `align` raises."""
        run = into or Run(folder)
        control = Wishes(wishes, run.checkpoints)
        run.waits = control.found
        run.result = align(
            self.vlm,
            self.pairs if pairs is None else pairs,
            self.store,
            settings,
            Workspace(folder, self.references),
            progress=run.progress,
            events=run.events.append,
            control=control,
        )
        return run


def workbench_of(vlm: Vlm, floor: Path, folder: Path, settings: AlignmentSettings = SETTINGS) -> Workbench:
    """Features of twelve photos of a shop floor, kept in `folder`, and two pairs of ten of them each."""
    with Catalog(folder / "catalog.sqlite") as catalog:
        photos = open_collection(catalog, floor, PhotoSettings(), Silent()).photos[:12]
    store = FeatureStore(folder / "features", vlm)
    store.ensure(photos, Silent())
    pairs = []
    for i, photo in enumerate(photos[:10]):
        other = photos[(i + 3) % len(photos)]
        assert photo.record is not None
        assert other.record is not None
        for kind, prompt, chosen, rejected in (
            ("note", "Describe the part and its defects.", photo.record.note, other.record.note),
            ("yes_no", "Does the photo show rust?", "No.", "Yes."),
        ):
            retrieved = other.sha256 if i % 4 else ""
            pairs.append(
                PreferencePair(photo.sha256, retrieved, prompt, chosen, rejected, kind, Provenance("record"))  # type: ignore[arg-type]
            )
    return Workbench(vlm, store, pairs, folder / "references", settings)
