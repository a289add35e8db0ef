"""Japanese notes through masking, completion, questions and the gate."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.cli.pairs_view import marked
from realign_edge.glossary.facts import Facts
from realign_edge.glossary.questions import describe_question
from realign_edge.glossary.script import is_japanese, words
from realign_edge.preferences import infill as infilling
from realign_edge.preferences import masking
from realign_edge.preferences.gate import DEFAULT_ENCODER, SentenceGate, doubts
from realign_edge.preferences.infill import complete_by_prompt, infill, slot_key, slot_phrases
from realign_edge.preferences.masking import (
    Segment,
    _masked_as,
    _token_spans,
    mask_by_glossary,
    mask_by_grounding,
    mask_by_model,
    masked_text,
)
from realign_edge.preferences.questions import QuestionMaker
from realign_edge.shopfloor.vocabulary import GLOSSARY
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.sight import Sight
from realign_edge.vlm.tree import TokenTree

DESCRIBE = describe_question("ja")
NOTE = "ｽﾃﾝﾚｽ地のﾜｯｼｬｰ（木製台）、左上にへこみあり、右下に０．５ｍｍの傷。バリは認められない。"


@pytest.fixture(scope="module")
def nano() -> Any:
    return load_vlm("nano")


def noise(vlm: Any, count: int) -> list[Sight]:
    pixels = np.random.default_rng(count).integers(0, 255, (count, 128, 128, 3), dtype=np.uint8)
    return vlm.sights([Image.fromarray(p) for p in pixels])  # type: ignore[no-any-return]


def tree_of(vlm: Any, sights: list[Sight]) -> TokenTree:
    return TokenTree(vlm, [vlm.prefix(DESCRIBE, sight) for sight in sights], sights)


def test_a_note_is_masked_as_it_is_written_and_keeps_its_widths() -> None:
    segments = mask_by_glossary(NOTE, GLOSSARY)
    assert "".join(s.text for s in segments) == NOTE
    expected = "[MASK]の[MASK]（[MASK]）、[MASK]に[MASK]あり、[MASK]に０．５ｍｍの[MASK]。バリは認められない。"
    assert masked_text(segments) == expected
    assert [s.text for s in segments if s.slot][:2] == ["ｽﾃﾝﾚｽ地", "ﾜｯｼｬｰ"]
    assert slot_key(segments[0], {"ステンレス地": "attribute:finish"}) == "attribute:finish"


def test_a_term_that_ends_within_a_character_takes_it_whole() -> None:
    from realign_edge.glossary.model import Glossary, Term

    segments = mask_by_glossary("径5㎜の穴", Glossary((Term("5m", "attribute"), Term("穴", "defect"))))
    assert "".join(s.text for s in segments) == "径5㎜の穴"


def test_tokens_that_are_parts_of_a_character_stand_for_it(nano: Any) -> None:
    """The embedded model's tokenizer knows no Japanese: every character is two or three tokens."""
    text = "左上にx傷。"
    [ids] = nano.wording.answers_ids(DESCRIBE, [text])
    spans = _token_spans(nano, ids)
    assert len(spans) == len(ids) > 2 * len(text)
    for at in range(len(text)):
        parts = [token for token, (a, b) in zip(ids, spans, strict=True) if a <= at < b]
        assert text[at] in nano.processor.tokenizer.decode(parts)
    assert all(b - a <= 1 for a, b in spans)


def test_grounding_finds_words_where_there_are_no_spaces(nano: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    note = "左上にへこみがあります、Lot 12。"
    [photo] = noise(nano, 1)
    blank = torch.zeros(1, 192)
    [everything] = mask_by_grounding(nano, DESCRIBE, [note], [photo], blank, -1e9)
    [nothing] = mask_by_grounding(nano, DESCRIBE, [note], [photo], blank, 1e9)
    assert masked_text(everything) == "[MASK]、[MASK]。"
    assert masked_text(nothing) == note
    # Only what へこみ is made of needs the photo.
    [ids] = nano.wording.answers_ids(DESCRIBE, [note])
    needed = [3 <= a < 6 for a, _ in _token_spans(nano, ids)]

    def seen(vlm: Any, prefixes: Any, sights: Any, continuations: Any) -> list[list[Any]]:
        with_photo = sights[0] is photo
        return [[np.where(needed, 0.0 if with_photo else -1.0, -2.0)]]

    monkeypatch.setattr(masking, "continuation_logps", seen)
    [some] = mask_by_grounding(nano, DESCRIBE, [note], [photo], blank, 0.5)
    assert masked_text(some) == "左上に[MASK]があります、Lot 12。"
    assert "".join(s.text for s in some) == note


def test_the_models_own_masks_are_read_character_by_character() -> None:
    note = "左上に傷があります。NG品"
    assert masked_text(_masked_as(note, "[MASK]に[MASK]があります。NG品")) == "[MASK]に[MASK]があります。NG品"
    assert _masked_as(note, "右下に[MASK]があります。NG品") == ()
    assert _masked_as(note, note) == ()


def test_the_model_is_asked_in_japanese(nano: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(vlm: Any, sights: Any, questions: list[str], **more: Any) -> list[str]:
        asked.extend(questions)
        return ["\ufffd左上に錆\ufffd" for _ in questions]

    monkeypatch.setattr(masking, "generate", answer)
    monkeypatch.setattr(infilling, "generate", answer)
    mask_by_model(nano, ["左上に傷"], noise(nano, 1), "ja")
    slots = (Segment("左上", True), Segment("に傷"))
    assert complete_by_prompt(nano, [slots], noise(nano, 1), "ja") == ["左上に錆"]
    assert all(is_japanese(q) for q in asked)
    assert asked[0].endswith("左上に傷")
    assert asked[1].endswith("[MASK]に傷")


@pytest.mark.parametrize("model", ["nano", "tiny"])
def test_free_slots_hold_whole_characters_and_no_more_words(
    model: str, nano: Any, request: pytest.FixtureRequest
) -> None:
    vlm = nano if model == "nano" else request.getfixturevalue("tiny_vlm")
    originals = ["左上にへこみ", "傷", "打痕が見られる", "NG"]
    masked = [(Segment("外観検査："), Segment(o, True), Segment("。")) for o in originals]
    written = infill(tree_of(vlm, noise(vlm, 4)), DESCRIBE, masked, [{}] * 4, {})
    for original, text in zip(originals, written, strict=True):
        assert text.startswith("外観検査：")
        assert text.endswith("。")
        assert "\ufffd" not in text
        assert len(words(text[5:-1])) <= len(words(original))


def test_every_note_is_completed_in_its_own_language(nano: Any) -> None:
    phrases = {language: slot_phrases(GLOSSARY, language) for language in ("en", "ja")}
    assert phrases["ja"]["defect"][:2] == ("傷", "へこみ")
    notes = ["左上に傷あり。", "Scratch at the upper left."]
    masked = [mask_by_glossary(note, GLOSSARY) for note in notes]
    japanese, english = infill(tree_of(nano, noise(nano, 2)), DESCRIBE, masked, [phrases["ja"], phrases["en"]], {})
    kept = [s.text for s in masked[0] if not s.slot]
    assert all(text in japanese for text in kept)
    assert find(japanese, "location") in phrases["ja"]["location"]
    assert not is_japanese(english)


def find(text: str, category: str) -> str:
    from realign_edge.glossary.mentions import find_mentions

    return next(text[m.start : m.end] for m in find_mentions(text, GLOSSARY) if m.category == category)


def test_questions_call_defects_and_places_by_their_japanese_names() -> None:
    maker = QuestionMaker(GLOSSARY, "ja", 2, 1)
    facts = Facts("gear", {"scratch": "upper left"}, frozenset())
    turns = maker.turns(facts)
    assert ("この写真に傷がありますか？", "いいえ。") in turns
    assert ("傷はどこにありますか？", "右下です。") in turns
    pairs = maker.pairs("a", facts, dict.fromkeys(turns, -1.0), lambda wanted: ("b", 0.5), "here")
    assert [(p.kind, p.prompt, p.chosen, p.rejected) for p in pairs] == [
        ("yes_no", "この写真に傷がありますか？", "はい。", "いいえ。"),
        ("yes_no", "この写真にへこみがありますか？", "いいえ。", "はい。"),
        ("where", "傷はどこにありますか？", "左上です。", "上端です。"),
    ]


def test_differences_are_marked_by_words_without_spaces() -> None:
    chosen, rejected = marked("左上に傷あり、ﾊﾞﾘなし。", "右下に傷あり、ﾊﾞﾘなし。")
    assert (chosen, rejected) == ("[左上]に傷あり、ﾊﾞﾘなし。", "[右下]に傷あり、ﾊﾞﾘなし。")


@pytest.fixture
def multilingual(tmp_path: Path) -> Path:
    """A SentenceTransformer of random weights whose vocabulary is Japanese characters."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast  # type: ignore[attr-defined]

    torch.manual_seed(0)
    folder = tmp_path / "bert"
    folder.mkdir()
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set("左上右下に傷錆打痕亀裂があります。"))]
    (folder / "vocab.txt").write_text("\n".join(known), encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), tokenize_chinese_chars=True, strip_accents=False)
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(known), hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    reader = Transformer(str(folder))
    SentenceTransformer(modules=[reader, Pooling(24)]).save(str(tmp_path / "encoder"))
    return tmp_path / "encoder"


def test_a_given_encoder_is_used(multilingual: Path, home: Path) -> None:
    """The default takes 打痕 and 亀裂 for the same unknown thing; one that knows the characters does not."""
    pair = "打痕があります。", "亀裂があります。"
    assert SentenceGate(DEFAULT_ENCODER).similarity(*pair) == pytest.approx(1, abs=1e-5)
    assert SentenceGate(str(multilingual)).similarity(*pair) < 0.999
    (home / "models").mkdir()
    multilingual.rename(home / "models" / "plant-encoder")
    assert SentenceGate("plant-encoder").similarity(*pair) < 0.999


def test_the_english_encoder_is_doubted_for_japanese_notes_alone() -> None:
    [doubt] = doubts(DEFAULT_ENCODER, "ja")
    assert "paraphrase-multilingual-MiniLM-L12-v2" in doubt
    assert doubts(f"/models/{DEFAULT_ENCODER}", "ja")
    assert doubts(DEFAULT_ENCODER, "en") == ()
    assert doubts("paraphrase-multilingual-MiniLM-L12-v2", "ja") == ()
