"""Inspection notes as technicians write them: part, finish, background, then every defect with its place."""

import numpy as np

from realign_edge.glossary.model import Term
from realign_edge.shopfloor.scene import Defect, Scene
from realign_edge.shopfloor.vocabulary import GLOSSARY

# A low entropy suits a language model of two million parameters; the order is always the same.
_SYNONYM_SHARE = 0.2
_OPENINGS = (
    "{finish} {part} on the {background}.",
    "{part}, {finish}, on the {background}.",
    "Checked {finish} {part} on the {background}.",
)
_CLEAN = (
    "No defects found.",
    "Surface clean, no damage.",
    "No {absent} visible, part is good.",
    "Free of defects.",
)

_OPENINGS_JA = (
    "{finish}の{part}、{background}上。",
    "{part}（{finish}）を{background}上で確認。",
    "{background}に置いた{finish}の{part}。",
)
_CLEAN_JA = (
    "異常なし。",
    "外観良好、傷・汚れなし。",
    "{absent}は認められない。",
    "欠陥は見られません。",
)
# How a finding is written, the whole note one way: the place comes first in Japanese.
_FINDINGS_JA = (
    "{place}に{kind}あり",
    "{place}に{kind}あり",
    "{place}に{kind}が見られる",
    "{place}：{kind}",
    "{kind}（{place}）",
)


def write_note(scene: Scene, rng: np.random.Generator) -> str:
    """One note in English, 8 to 35 words; it names what the photo shows and nothing else."""
    opening = str(rng.choice(_OPENINGS)).format(
        finish=_word(scene.finish, rng), part=_word(scene.part, rng), background=_word(scene.background, rng)
    )
    return f"{_capital(opening)} {_capital(_findings(scene, rng))}"


def write_note_ja(scene: Scene, rng: np.random.Generator) -> str:
    """One note in Japanese, in the clipped style of an inspection sheet; it names what the photo shows alone."""
    opening = str(rng.choice(_OPENINGS_JA)).format(
        finish=_word_ja(scene.finish, rng), part=_word_ja(scene.part, rng), background=_word_ja(scene.background, rng)
    )
    if not scene.defects:
        absent = _word_ja(str(rng.choice([t.term for t in GLOSSARY.of("defect")])), rng)
        return opening + str(rng.choice(_CLEAN_JA)).format(absent=absent)
    style = str(rng.choice(_FINDINGS_JA))
    found = [style.format(place=_word_ja(d.place, rng), kind=_word_ja(d.kind, rng)) for d in scene.defects]
    return opening + "、".join(found) + "。"


def _word_ja(term: str, rng: np.random.Generator) -> str:
    entry: Term = GLOSSARY.by_term[term]
    return str(rng.choice(entry.ja)) if rng.random() < _SYNONYM_SHARE else entry.ja[0]


def _findings(scene: Scene, rng: np.random.Generator) -> str:
    if not scene.defects:
        absent = str(rng.choice([t.term for t in GLOSSARY.of("defect")]))
        return str(rng.choice(_CLEAN)).format(absent=absent)
    place_first = rng.random() < 0.2
    return ", ".join(_finding(defect, place_first, rng) for defect in scene.defects) + "."


def _finding(defect: Defect, place_first: bool, rng: np.random.Generator) -> str:
    kind, place = _word(defect.kind, rng), _word(defect.place, rng)
    return f"{place}: {kind}" if place_first else f"{kind} at the {place}"


def _word(term: str, rng: np.random.Generator) -> str:
    entry: Term = GLOSSARY.by_term[term]
    return str(rng.choice(entry.en)) if rng.random() < _SYNONYM_SHARE else term


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
