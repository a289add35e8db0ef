from pathlib import Path

import pytest

from realign_edge.errors import UsageError
from realign_edge.glossary.derive import derive_glossary
from realign_edge.glossary.facts import facts_of
from realign_edge.glossary.load import glossary_toml, load_glossary
from realign_edge.photos.model import InspectionRecord
from realign_edge.shopfloor.vocabulary import GLOSSARY


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "glossary.toml"
    path.write_text(
        'version = 2\n[[defects]]\nterm="x"\n[[defect]]\nterm="dent"\nenn=["ding"]\n'
        '[[part]]\nterm=""\n[[part]]\nterm="nut"\nen=["dent"]\n'
    )
    with pytest.raises(UsageError) as caught:
        load_glossary(path)
    for words in ("version", "did you mean `defect`", "did you mean `en`", "has no `term`", "belongs to both"):
        assert words in caught.value.message


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "glossary.toml"
    path.write_text(glossary_toml(GLOSSARY), encoding="utf-8")
    assert load_glossary(path).terms == GLOSSARY.terms


def test_a_glossary_is_derived_from_records() -> None:
    records = [
        InspectionRecord(part="valve", defects=("leak",), locations=("seat",)),
        InspectionRecord(part="valve", attributes={"colour": "red"}),
    ]
    found = {(t.category, t.kind, t.term) for t in derive_glossary(records).terms}
    assert found == {
        ("part", "", "valve"),
        ("defect", "", "leak"),
        ("location", "", "seat"),
        ("attribute", "colour", "red"),
    }


def test_facts_use_canonical_terms_and_fall_back_to_the_note() -> None:
    by_columns = facts_of(
        InspectionRecord(part="nut", defects=("ding",), locations=("top left",), known_defects=True), GLOSSARY
    )
    assert by_columns is not None
    assert (by_columns.part, dict(by_columns.defects)) == ("hex nut", {"dent": "upper left"})
    by_note = facts_of(InspectionRecord(note="Brass gear, rust at the center, no dent."), GLOSSARY)
    assert by_note is not None
    assert (by_note.part, dict(by_note.defects)) == ("gear", {"rust": "center"})
    assert by_note.attributes == {"brass"}
    assert facts_of(InspectionRecord(), GLOSSARY) is None
