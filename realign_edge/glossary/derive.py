"""A glossary for a plant that has none: the words of its own records."""

from collections import Counter
from collections.abc import Iterable

from realign_edge.glossary.model import Category, Glossary, Term
from realign_edge.photos.model import InspectionRecord

# A column with more different values than this names individuals, not kinds.
MAX_KINDS = 60


def derive_glossary(records: Iterable[InspectionRecord]) -> Glossary:
    """Terms are the values of the part, defects and location columns, and of further columns with few values."""
    columns: dict[tuple[Category, str], Counter[str]] = {}
    for record in records:
        found: list[tuple[Category, str, str]] = [("part", "", record.part)]
        found += [("defect", "", d) for d in record.defects]
        found += [("location", "", place) for place in record.locations]
        found += [("attribute", kind, value) for kind, value in record.attributes.items()]
        for category, kind, value in found:
            if value:
                columns.setdefault((category, kind), Counter())[value] += 1
    terms: dict[str, Term] = {}
    for (category, kind), values in columns.items():
        if len(values) <= MAX_KINDS:
            for value in sorted(values):
                terms.setdefault(value.casefold(), Term(value, category, kind))
    return Glossary(tuple(terms.values()), "derived from the records")
