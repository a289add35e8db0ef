"""`align`: a run for exactly these inputs, its stages in order, all of it resumable."""

import importlib.metadata
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from realign_edge import __version__
from realign_edge.alignment.gpu_presets import gpu_presets
from realign_edge.config.load import to_toml
from realign_edge.errors import MissingError, UsageError
from realign_edge.files import fingerprint
from realign_edge.glossary.find import find_glossary
from realign_edge.glossary.language import choose_language
from realign_edge.glossary.model import Glossary
from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.collection import Collection, open_collection
from realign_edge.pipeline.config import AlignConfig
from realign_edge.pipeline.stages import STAGES, Outcome, Stage, Stages
from realign_edge.preferences.review.ruling import Ruling, read_rulings, rulings_fingerprint
from realign_edge.progress import Progress, Silent
from realign_edge.runs.control import Control
from realign_edge.runs.run import Run, create_run, list_runs
from realign_edge.runs.tenure import work_on
from realign_edge.team import Alone, Team, own_wish
from realign_edge.vlm.find import find_model

_LIBRARIES = ("torch", "transformers", "peft", "hnswlib", "sentence-transformers")


@dataclass
class Pipeline:
    """The shared things of one `align` call. Every member of a team makes one; the first keeps the run."""

    config: AlignConfig
    home: Path
    progress: Progress
    should_stop: Callable[[], bool]
    team: Team = field(default_factory=Alone)

    def run(self, photos: Path, until: Stage = "export", resume: Run | None = None) -> Outcome:
        """Do everything up to `until`.

        Raises:
            RealignError: photos or model missing, settings wrong, work failed, or stopped on request.
        """
        began, last = time.monotonic(), STAGES.index(until)
        if not self.team.first:
            outcome: Outcome = self.team.share(_NO_OUTCOME)
            Stages(self.config, self.home, Silent(), outcome, self.team).run(last)
            return outcome
        with Catalog(self.home / "catalog.sqlite") as catalog:
            collection = open_collection(catalog, photos, self.config.photos, self.progress)
            glossary = find_glossary(collection)
            self._must_be_able()
            language = choose_language(self.config.language, (p.record for p in collection.photos), glossary)
            # From here on, and in what the run keeps, "auto" is the language that it came to.
            self.config = replace(self.config, language=language.language)
            # Read once: what people decide while the run goes on counts for the next one.
            rulings = read_rulings(catalog.path)
            run = self._run_for(collection, glossary, rulings, resume, str(language))
            outcome = Outcome(run, collection, glossary, language)
            self.team.share(outcome)
            with work_on(outcome.run, "index") as log:
                counts = {"photos": len(collection.photos), "refused": len(collection.refused)}
                log.append({"type": "started", **counts, "language": language.language, "until": until})
                control = Control(outcome.run, self.should_stop)
                stages = Stages(
                    self.config, self.home, self.progress, outcome, self.team, catalog, log.append, control, rulings
                )
                with own_wish():
                    stages.run(last)
                log.append({"type": "finished", "until": until})
                outcome.run.heartbeat(state="finished", stage=until)
        outcome.seconds = time.monotonic() - began
        return outcome

    def _must_be_able(self) -> None:
        """Model, resolution and device, looked at before there is a run, so that a wrong word leaves none behind."""
        import torch

        from realign_edge.vlm.load import family_at

        family_at(self._model_folder(), self.config.photo_tokens)
        if self.config.device == "cuda" and not torch.cuda.is_available():
            raise UsageError(
                f'device = "cuda" (preset {self.config.preset}), and this machine has no GPU that torch can use',
                'see that `nvidia-smi` shows one and that torch is a CUDA build, or set device = "cpu" in --config',
            )

    def _model_folder(self) -> Path:
        preset = gpu_presets().get(self.config.preset)
        try:
            return find_model(self.config.model)
        except MissingError as problem:
            if preset is None or self.config.model != preset.installed:
                raise
            raise MissingError(
                f"preset {preset.name} is made for {preset.model}, which is not on this machine",
                "docs/models.md says how to bring it here; or name another model with --model",
            ) from problem

    def _run_for(
        self,
        collection: Collection,
        glossary: Glossary,
        rulings: Mapping[str, Ruling],
        resume: Run | None,
        language: str,
    ) -> Run:
        """The run of exactly these inputs, finished or not, else a new one; language: in words, for people."""
        inputs = self._inputs(collection, glossary, rulings)
        identity = fingerprint(inputs)
        if resume is not None:
            if resume.about.get("identity") != identity:
                raise UsageError(
                    f"run {resume.run_id} was made from something else: "
                    + ", ".join(changed(resume.about.get("inputs", {}), inputs)),
                    "start without --resume: it goes on where the same inputs were left",
                )
            return resume
        for run in reversed(list_runs(self.home / "runs")):
            if run.about.get("identity") == identity:
                return run
        about = {
            "photos": str(collection.root),
            "model": self.config.model,
            "language": language,
            "version": __version__,
            "libraries": {n: importlib.metadata.version(n) for n in _LIBRARIES},
            "inputs": inputs,
        }
        return create_run(self.home / "runs", identity, about, to_toml(self.config), datetime.now())

    def _inputs(self, collection: Collection, glossary: Glossary, rulings: Mapping[str, Ruling]) -> dict[str, str]:
        """Everything that a run's result depends on, under names that a person understands."""
        settings = {
            f"setting {section}.{key}" if isinstance(value, dict) else f"setting {section}": str(inner)
            for section, value in asdict(self.config).items()
            # What a run learnt does not depend on how it is exported.
            if section != "export"
            for key, inner in (value.items() if isinstance(value, dict) else [("", value)])
        }
        reviews = rulings_fingerprint(rulings, {p.sha256 for p in collection.of("train")})
        return {
            "photo folder": str(collection.root),
            "photos or records": content_fingerprint(collection.photos),
            "glossary": fingerprint(_plain(glossary)),
            "version of realign-edge": __version__,
            **({"reviews of pairs": reviews} if reviews else {}),
            **settings,
        }


# What a member that is not the first puts into `share`; it gets the first one's.
_NO_OUTCOME: Any = None


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs, with both values where they can be read."""
    found = []
    for key in (key for key in {**now, **before} if before.get(key) != now.get(key)):
        readable = key in before and key in now and key.startswith(("setting", "version"))
        found.append(f"{key} ({before[key]} then, {now[key]} now)" if readable else key)
    return found


def _plain(glossary: Glossary) -> list[Any]:
    return [[t.term, t.category, t.kind, list(t.en), list(t.ja)] for t in glossary.terms]
