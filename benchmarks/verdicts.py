"""Entries of a results file as a busy station would write them, seeded; for the reports' tests and benchmark."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from realign_edge.files import fingerprint
from realign_edge.results.model import Disposition, Entry, Finding, Inspection, Neighbour, Reason, Refused, Verdict

_PARTS = ("bracket", "bearing", "shaft", "washer", "gear", "housing")
_DEFECTS = ("scratch", "rust", "dent", "oil stain", "burr", "crack", "chip", "heat tint", "pitting")
_PLACES = ("upper left", "top edge", "upper right", "left side", "center", "right side", "lower left", "lower right")
_PEOPLE = ("mori", "tanaka", "sato")
_REFUSALS = ("the file ends early", "text; JPEG, PNG, WebP, TIFF, BMP are read", "only 4 x 4 pixels")
_START = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
Content = Inspection | Refused | Disposition


def entries(count: int, seed: int = 0, photos: Sequence[tuple[str, str]] = (), days: float = 14.0) -> Iterator[Entry]:
    """`count` inspections with refusals and dispositions among them, hash-chained.

    photos: (sha256, name) of real photos to speak of; made up where there are none.
    """
    previous = ""
    for number, content in enumerate(_contents(count, random.Random(seed), photos, days), 1):
        found = hashlib.sha256((previous + fingerprint(asdict(content))).encode()).hexdigest()
        yield Entry(number, content, previous, found)
        previous = found


def _contents(count: int, draw: random.Random, photos: Sequence[tuple[str, str]], days: float) -> Iterator[Content]:
    number = 0
    for i in range(count):
        at = _START + timedelta(days=days * i / max(count, 1), seconds=draw.randrange(30))
        if draw.random() < 0.012:
            number += 1
            yield Refused(f"in/IMG_{i:05d}.jpg", draw.choice(_REFUSALS), _iso(at), "", "ST1")
        inspection = _inspection(i, at, draw, photos)
        number += 1
        yield inspection
        asked = {"REVIEW": 0.8, "FAIL": 0.5, "PASS": 0.01}[inspection.verdict]
        if draw.random() < asked:
            mine = number
            number += 1
            yield _disposition(mine, inspection, at + timedelta(minutes=draw.randrange(2, 90)), draw)


def _inspection(i: int, at: datetime, draw: random.Random, photos: Sequence[tuple[str, str]]) -> Inspection:
    verdict: Verdict = draw.choices(("PASS", "FAIL", "REVIEW"), (0.88, 0.07, 0.05))[0]
    lot, part = f"L{2600 + i // 48}", draw.choice(_PARTS)
    sha, name = photos[i % len(photos)] if photos else (_sha(f"photo {i}"), f"{lot}/{lot}-{i % 48:03d}_1.jpg")
    sha = sha if i < len(photos) or not photos else _sha(f"photo {i}")
    number = 0 if verdict == "PASS" else draw.choices((1, 2, 3), (0.7, 0.22, 0.08))[0]
    findings = tuple(_finding(d, draw, verdict) for d in _weighted(number, draw))
    said = ", ".join(f.phrase for f in findings) or "Surface clean, no damage"
    familiarity = draw.uniform(0.52, 0.7) if verdict == "REVIEW" else draw.uniform(0.72, 0.93)
    return Inspection(
        sha, name, _iso(at), verdict, (_reason(verdict, findings, familiarity),),
        f"Black oxide {part} on the green mat. {said.capitalize()}.", part, findings,
        tuple(_neighbour(i, k, draw, photos, familiarity) for k in range(3)), familiarity,
        draw.uniform(0.55, 0.97), "20261101-7f3a", _sha("model"), draw.uniform(180, 420),
        f"ST{1 + i % 2}", draw.choice(_PEOPLE), lot, f"{lot}-{i % 48:03d}", _iso(at - timedelta(seconds=20)),
    )  # fmt: skip


def _weighted(number: int, draw: random.Random) -> list[str]:
    """Different defects, the first ones of the list far more often (Efraimidis and Spirakis 2006)."""
    return sorted(_DEFECTS, key=lambda d: -(draw.random() ** (1 + _DEFECTS.index(d))))[:number]


def _finding(defect: str, draw: random.Random, verdict: Verdict) -> Finding:
    place = draw.choice(_PLACES)
    grounding = draw.uniform(-0.2, 0.6) if verdict == "REVIEW" else draw.uniform(0.6, 3.0)
    return Finding(defect, place, f"{defect} at the {place}", grounding, draw.uniform(0.4, 0.98))


def _reason(verdict: Verdict, findings: Sequence[Finding], familiarity: float) -> Reason:
    if verdict == "PASS":
        return Reason("clean", "No defect is described, and the photo looks like those the model was aligned on.")
    if verdict == "FAIL":
        names = ", ".join(f"{f.defect} ({f.location})" for f in findings)
        return Reason("defect", f"A defect is described and the photo supports it: {names}.")
    if familiarity < 0.6:
        return Reason("unfamiliar", f"The photo is unlike any past photo (similarity {familiarity:.2f}).")
    return Reason("weakly-grounded", f"The photo hardly supports the words: {findings[0].phrase}.")


def _neighbour(i: int, k: int, draw: random.Random, photos: Sequence[tuple[str, str]], familiarity: float) -> Neighbour:
    part, defect, place = draw.choice(_PARTS), draw.choice(_DEFECTS), draw.choice(_PLACES)
    which = (i * 7 + k * 13 + 1) % len(photos) if photos else 0
    sha, name = photos[which] if photos else (_sha(f"past {(i + k) % 500}"), f"L2300/L2300-{(i + k) % 500:03d}_1.jpg")
    note = f"{part.capitalize()}, black oxide, on the white tray. {defect.capitalize()} at the {place}."
    return Neighbour(
        sha, name, familiarity - 0.03 * k, note, part, (defect,), (place,), "L2300", "L2300-001", "2026-09-01T08:00:00"
    )


def _disposition(entry: int, inspection: Inspection, at: datetime, draw: random.Random) -> Disposition:
    person, chance = draw.choice(_PEOPLE), draw.random()
    if chance < 0.06:
        return Disposition(entry, inspection.sha256, "retake", person, _iso(at), reason="out of focus")
    if inspection.verdict == "REVIEW" or chance > 0.88:
        final: Verdict = draw.choice(("PASS", "FAIL")) if inspection.verdict == "REVIEW" else "PASS"
        if inspection.verdict == "PASS":
            final = "FAIL"
        defects, places = (("scratch",), ("center",)) if final == "FAIL" else ((), ())
        why = "seen under the lamp" if final == "FAIL" else "reflection, no defect"
        return Disposition(
            entry, inspection.sha256, "overrule", person, _iso(at), final, why, "", inspection.part, defects, places
        )
    return Disposition(entry, inspection.sha256, "agree", person, _iso(at))


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
