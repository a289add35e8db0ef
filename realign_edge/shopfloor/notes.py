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


def write_note(scene: Scene, rng: np.random.Generator) -> str:
    """One note in English, 8 to 35 words; it names what the photo shows and nothing else."""
    opening = str(rng.choice(_OPENINGS)).format(
        finish=_word(scene.finish, rng), part=_word(scene.part, rng), background=_word(scene.background, rng)
    )
    return f"{_capital(opening)} {_capital(_findings(scene, rng))}"


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
