import pytest

from realign_edge.glossary.derive import derive_glossary
from realign_edge.glossary.language import choose_language
from realign_edge.glossary.model import Glossary, Term
from realign_edge.photos.model import InspectionRecord
from realign_edge.shopfloor.vocabulary import GLOSSARY

EN = InspectionRecord(note="Brass gear, scratch at the upper left.")
JA = InspectionRecord(note="歯車、左上に傷あり。")
KANJI = InspectionRecord(note="外観異常無、Lot 12 OK")
HALF_WIDTH = InspectionRecord(note="ﾊﾞﾘ NG")
NOTHING = Glossary(())


@pytest.mark.parametrize(
    ("records", "expected", "why"),
    [
        ([JA, KANJI, HALF_WIDTH], "ja", "all of 3 notes are in Japanese"),
        ([JA, JA, EN, None, InspectionRecord(part="歯車")], "ja", "2 of 3 notes are in Japanese"),
        ([JA, EN, EN], "en", "1 of 3 notes is in Japanese"),
        ([JA, EN], "en", "1 of 2 notes is in Japanese"),
        ([EN], "en", "none of 1 notes are in Japanese"),
        ([JA], "ja", "1 of 1 notes is in Japanese"),
    ],
)
def test_most_notes_decide(records: list[InspectionRecord | None], expected: str, why: str) -> None:
    found = choose_language("auto", records, GLOSSARY)
    assert (found.language, found.why) == (expected, why)


def test_without_notes_the_columns_and_the_glossary_count() -> None:
    columns = [InspectionRecord(part="歯車", defects=("傷", "錆"), locations=("左上", ""), known_defects=True)]
    found = choose_language("auto", columns, derive_glossary(columns))
    assert (found.language, found.why) == ("ja", "no notes, but the records' columns are Japanese")
    plant = Glossary((Term("傷", "defect", en=("scratch",)),))
    folders = [InspectionRecord(defects=("broken_large",), known_defects=True)]
    assert choose_language("auto", folders, plant).why == "no notes, but the glossary is Japanese"
    assert choose_language("auto", folders, GLOSSARY).language == "en"
    assert choose_language("auto", [], NOTHING).language == "en"
    assert choose_language("auto", [None], GLOSSARY).why == "no notes, and nothing else is Japanese"


def test_what_is_set_is_taken() -> None:
    assert choose_language("en", [JA], GLOSSARY).language == "en"
    assert str(choose_language("ja", [EN], GLOSSARY)) == "Japanese (as set)"


def test_a_term_is_called_by_its_name_in_the_language() -> None:
    glossary = Glossary((
        Term("dent", "defect", en=("ding",), ja=("へこみ", "打痕")),
        Term("傷", "defect", en=("scratch",), ja=("キズ",)),
        Term("ヒケ", "defect"),
        Term("flash", "defect"),
    ))  # fmt: skip
    names = ["dent", "傷", "ヒケ", "flash", "not in it"]
    assert [glossary.called(n, "en") for n in names] == ["dent", "scratch", "ヒケ", "flash", "not in it"]
    assert [glossary.called(n, "ja") for n in names] == ["へこみ", "傷", "ヒケ", "flash", "not in it"]
