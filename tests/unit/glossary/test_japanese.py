"""What inspectors write in Japanese: denials, places, enumerations, answers."""

import pytest

from realign_edge.glossary.findings import find_findings, find_terms
from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.questions import parse_yes_no
from realign_edge.shopfloor.vocabulary import GLOSSARY

DENIED = (
    "傷なし",
    "傷ﾅｼ",
    "錆無",
    "傷：無し",
    "傷は認められず",
    "傷が認められない",
    "傷は一切見当たらない",
    "錆は全くない",
    "割れていない",
    "バリ未検出",
    "ﾊﾞﾘは検出されませんでした",
    "無傷",
    "傷、へこみ、錆なし",
    "傷およびへこみは認められず、良好",
    "傷、へこみ、欠けなどの異常はありません",
    "傷や錆などは検出されていません",
    "傷・打痕・欠けは確認されず",
    "傷0件",
    "錆：０箇所",
    "傷：ＯＫ",
    "錆 = ○",
    "傷の有無を確認",
    "傷の発生なし",
    "傷のない良品",
    "バリの残りは無く良好",
)
CLAIMED = (
    "傷あり",
    "ﾊﾞﾘ有り",
    "傷以外は異常なし",
    "傷のほか異常は認められない",
    "傷だけでなく汚れも",
    "傷は深くない",
    "傷は深くありません",
    "錆は少ない",
    "傷は浅いため問題ない",
    "傷が浅いため使用上支障ない",
    "傷あり、使用上問題なし",
    "傷の有無：有",
    "傷 0.5mm",
    "傷：NG",
    "傷が0.3mm",
    "傷が見られるが割れはない",
    "錆が残っており除去できない",
)


@pytest.mark.parametrize("text", DENIED)
def test_what_is_denied_is_not_claimed(text: str) -> None:
    mentions = [m for m in find_mentions(text, GLOSSARY) if m.category == "defect"]
    assert mentions
    assert all(m.negated for m in mentions)


@pytest.mark.parametrize("text", CLAIMED)
def test_what_is_there_is_claimed(text: str) -> None:
    assert find_findings(text, GLOSSARY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("左上に傷があります", {"scratch": "upper left"}),
        ("左上に０．５ｍｍの傷", {"scratch": "upper left"}),
        ("上端に傷、欠け、下端に焼け", {"scratch": "upper edge", "chip": "upper edge", "heat tint": "lower edge"}),
        ("中央に傷があり、錆は左端に見られる", {"scratch": "center", "rust": "left side"}),
        ("傷左上、錆右下", {"scratch": "upper left", "rust": "lower right"}),
        ("傷（左上）、ｻﾋﾞではなく錆（右下）", {"scratch": "upper left", "rust": "lower right"}),
        ("傷と錆が左上に見られる", {"scratch": "upper left", "rust": "upper left"}),
        ("傷、錆が左上に見られる", {"scratch": "upper left", "rust": "upper left"}),
        ("傷：なし　錆：あり（右下）", {"rust": "lower right"}),
        ("左側に打痕。右側の傷は認められない。", {"dent": "left side"}),
        ("傷ではなく油汚れ（中央）", {"oil stain": "center"}),
    ],
)
def test_the_place_comes_first_or_in_its_own_part(text: str, expected: dict[str, str]) -> None:
    assert {f.defect: f.location for f in find_findings(text, GLOSSARY)} == expected


def test_a_compound_is_named_by_its_end() -> None:
    assert find_findings("バリエーション違い", GLOSSARY) == ()
    assert find_terms("ネームプレートをコンベヤー上で確認", GLOSSARY, "part") == ("plate",)
    assert find_terms("ネームプレートをコンベヤー上で確認", GLOSSARY, "attribute") == ("grey conveyor",)


def test_a_decimal_point_ends_no_sentence() -> None:
    found = find_findings("At the upper left a 0.5 mm scratch. Dent at the center.", GLOSSARY)
    assert {f.defect: f.location for f in found} == {"scratch": "upper left", "dent": "center"}


@pytest.mark.parametrize(
    "text",
    [
        "はい。",
        "はい、左上に傷があります。",
        "ええ",
        "あります",
        "左上に傷が見られます。他は良好です。",
        "傷あり",
        "有",
        "「はい」",
    ],
)
def test_japanese_says_yes(text: str) -> None:
    assert parse_yes_no(text) is True


@pytest.mark.parametrize(
    "text",
    ["いいえ。", "いいえ、ありません", "ありません", "傷は認められない。", "傷は見当たりません。", "なし", "無し",
     "この写真に傷は確認されず。", "ないです", "傷はありませんでした。"],
)  # fmt: skip
def test_japanese_says_no(text: str) -> None:
    assert parse_yes_no(text) is False


@pytest.mark.parametrize("text", ["", "不明", "写真が暗い。", "傷は少ない", "maybe", "深くない"])
def test_what_is_neither(text: str) -> None:
    assert parse_yes_no(text) is None


@pytest.mark.parametrize(
    ("text", "answer"), [("Yes.", True), ("No.", False), (" yes, at the left", True), ("A dent.", None)]
)
def test_english_is_read_by_its_first_word(text: str, answer: bool | None) -> None:
    assert parse_yes_no(text) is answer
