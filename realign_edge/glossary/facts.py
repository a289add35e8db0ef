"""What is true of a photo, in the glossary's terms."""

from collections.abc import Mapping
from dataclasses import dataclass

from realign_edge.glossary.findings import find_findings, find_terms
from realign_edge.glossary.model import Category, Glossary
from realign_edge.photos.model import InspectionRecord


@dataclass(frozen=True, slots=True)
class Facts:
    """part: "" where unknown; defects: defect to place ("" where unknown); attributes: the terms seen."""

    part: str
    defects: Mapping[str, str]
    attributes: frozenset[str]


def facts_of(record: InspectionRecord | None, glossary: Glossary) -> Facts | None:
    """Facts from a record's columns, else from its note; None where it says nothing.

    Values that the glossary knows under another name get the canonical one.
    """
    if record is None or not (record.part or record.note or record.known_defects):
        return None
    if record.known_defects:
        places = record.locations or ("",) * len(record.defects)
        pairs = zip(record.defects, places, strict=True)
        defects = {_canonical(d, glossary, "defect"): _canonical(p, glossary, "location") for d, p in pairs}
    else:
        defects = {f.defect: f.location for f in find_findings(record.note, glossary)}
    part = _canonical(record.part, glossary, "part") or next(iter(find_terms(record.note, glossary, "part")), "")
    stated = [_canonical(v, glossary, "attribute") for v in record.attributes.values()]
    attributes = frozenset(a for a in stated if a in glossary.by_term)
    return Facts(part, defects, attributes or frozenset(find_terms(record.note, glossary, "attribute")))


def _canonical(value: str, glossary: Glossary, category: Category) -> str:
    if not value or value in glossary.by_term:
        return value
    return next(iter(find_terms(value, glossary, category)), value)
