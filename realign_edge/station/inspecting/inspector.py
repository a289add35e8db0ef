"""One photo, inspected: described, its claims checked against the photo and the past, judged, and why."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from realign_edge.bundle.contract import GLOSSARY, MANIFEST, RULES
from realign_edge.errors import MissingError
from realign_edge.files import from_json, sha256_bytes
from realign_edge.glossary.findings import find_terms
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.questions import describe_question, yes_no_answer, yes_no_question
from realign_edge.photos.decode import decode
from realign_edge.photos.regular import Refusal, read_bytes
from realign_edge.results.model import Finding, Inspection
from realign_edge.station.arriving.context import Context
from realign_edge.station.decoding.model import Answer, StationModel, load_station
from realign_edge.station.evidence.evidence import Evidence, Probe
from realign_edge.station.evidence.grounding import confidence, grounding
from realign_edge.station.evidence.past import PastPhotos, load_past
from realign_edge.station.evidence.phrases import Phrase, phrases
from realign_edge.station.evidence.references import References
from realign_edge.station.evidence.strange import strange_words
from realign_edge.station.judging.rules import judge, load_rules
from realign_edge.station.seeing.eye import View

# How many past photos are shown and say how familiar a photo is; among how many a reference is looked for.
SHOWN, LOOKED_AT = 5, 24
# Questions about defects that are not claimed; each costs one short pass.
MOST_PROBES = 6
DESCRIBE = "describe"


class Inspector:
    """One bundle, ready to inspect. Not for several threads at once."""

    def __init__(self, folder: Path, threads: int = 1, model: StationModel | None = None) -> None:
        """Load the bundle in `folder`; whether it is whole and signed has been checked before.

        Raises:
            MissingError: a file is missing, damaged or makes no sense.
            UsageError: glossary or rules have mistakes.
        """
        self.folder = folder
        self.model = model or load_station(folder, threads)
        self.profile = self.model.profile
        self.language: Literal["en", "ja"] = self.profile.language
        self.glossary = load_glossary(folder / GLOSSARY)
        self.past: PastPhotos = load_past(folder)
        self.rules = load_rules(folder / RULES)
        self.question = self.profile.questions.get(DESCRIBE) or describe_question(self.language)
        self.bundle_id, self.model_sha256 = _identity(folder)
        self._names = {t.term: t.ja[0] for t in self.glossary.terms if t.ja} if self.language == "ja" else {}
        self.references = References(self.model, self.past)

    def inspect(self, photo: Path | bytes, name: str = "", context: Context | None = None) -> Inspection:
        """Describe and judge one photo. name: "" = the file's.

        Raises:
            Refusal: it is no photo that can be read; the text says why.
            MissingError: the bundle was never calibrated.
        """
        data = photo if isinstance(photo, bytes) else read_bytes(photo)
        given = name or ("" if isinstance(photo, bytes) else photo.name)
        return self.inspect_decoded(np.asarray(decode(data)), sha256_bytes(data), given, context)

    def inspect_decoded(
        self, rgb: NDArray[np.uint8], sha256: str, name: str, context: Context | None = None
    ) -> Inspection:
        """The same for a photo that was decoded elsewhere; rgb: (H, W, 3) uint8, sha256: of its file's bytes.

        Raises:
            Refusal: the photo's shape is beyond the model.
            MissingError: the bundle was never calibrated.
        """
        self.rules.check_thresholds(self.profile.thresholds)
        began = time.perf_counter()
        evidence = self.examine(rgb)
        verdict, reasons = judge(evidence, self.rules, self.profile.thresholds, self.language, self._names)
        about = context or Context()
        return Inspection(
            sha256=sha256,
            name=name,
            inspected_at=datetime.now(UTC).isoformat(timespec="seconds"),
            verdict=verdict,
            reasons=reasons,
            description=evidence.description,
            part=evidence.part,
            findings=evidence.findings,
            neighbours=evidence.neighbours,
            familiarity=evidence.familiarity,
            confidence=evidence.confidence,
            bundle_id=self.bundle_id,
            model_sha256=self.model_sha256,
            latency_ms=1000 * (time.perf_counter() - began),
            station=about.station,
            operator=about.operator,
            lot=about.lot,
            serial=about.serial,
            taken_at=about.taken_at,
        )

    def examine(self, rgb: NDArray[np.uint8], without: str = "") -> Evidence:
        """Everything a verdict is made from; rgb: (H, W, 3) uint8.

        without: a past photo (SHA-256) that must not be its own evidence, for calibration.

        Raises:
            Refusal: the photo's shape is beyond the model.
        """
        view = self.model.see(rgb)
        # Where that depends on the photo's shape, the photo is refused: it must not end the work on all others.
        if not self.profile.image_tokens and not self.model.fits(view, self.question):
            raise Refusal(
                f"a photo of this shape takes {len(view.placed.states)} tokens, and with a description that is more "
                f"than the model reads ({self.profile.context}); cut the part out of it"
            )
        near = self.past.nearest(view.embedding, LOOKED_AT, without)
        answer = self.model.answer(view, self.question)
        part = next(iter(find_terms(answer.text, self.glossary, "part")), "")
        claims = phrases(answer.ids, self.model.prompts.decode, self.glossary)
        claimed = [c.finding.defect for c in claims]
        # While the cache still holds this photo; the reference comes after.
        confirmed = [self._probe(view, defect) for defect in claimed]
        usual = self.past.usual.get(part) or self.past.usual[""]
        suspected = [self._probe(view, d) for d in [d for d in usual if d not in claimed][:MOST_PROBES]]
        findings, reference = self._grounded(answer, claims, near, part)
        shown = near[:SHOWN]
        return Evidence(
            description=answer.text,
            part=part,
            parts_known=bool(self.glossary.of("part")),
            finished=answer.finished,
            confidence=answer.confidence,
            familiarity=float(np.mean([s for _, s in shown])) if shown else -1.0,
            findings=findings,
            confirmed=tuple(confirmed),
            suspected=tuple(suspected),
            neighbours=tuple(self.past.neighbour(row, s) for row, s in shown),
            known=tuple(self.past.photos[row].known for row, _ in shown),
            reference=reference,
            strange=() if findings else strange_words(answer.text, self.glossary, self._sound_words),
        )

    @cached_property
    def _sound_words(self) -> frozenset[str] | None:
        # When it is first needed: the first verdict should not wait for it without need.
        return self.past.sound_words(self.glossary)

    def _probe(self, view: View, defect: str) -> Probe:
        answers = [yes_no_answer(yes, self.language) for yes in (True, False)]
        return Probe(defect, float(self.model.choose(view, yes_no_question(defect, self.language), answers)[0]))

    def _grounded(
        self, answer: Answer, claims: Sequence[Phrase], near: Sequence[tuple[int, float]], part: str
    ) -> tuple[tuple[Finding, ...], str]:
        """The claims as findings, and the name of the photo that stood for "without it"."""
        if not claims:
            return (), ""
        reference, name = self.references.find({c.finding.defect for c in claims}, near, part)
        without = self.model.answer_logps(reference, self.question, answer.ids)
        findings = [
            Finding(
                defect=c.finding.defect,
                location=c.finding.location,
                phrase=c.text,
                grounding=grounding(answer.logps, without, c.tokens),
                confidence=confidence(answer.logps, c.tokens),
            )
            for c in claims
        ]
        return tuple(findings), name


def _identity(folder: Path) -> tuple[str, str]:
    """Bundle id and model hash, as the manifest says them."""
    try:
        manifest: dict[str, Any] = from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        return str(manifest["id"]), str(manifest["model_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise MissingError(f"{folder / MANIFEST} cannot be read: {problem}", "install the bundle again") from problem
