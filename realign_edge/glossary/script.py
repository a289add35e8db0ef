"""Written forms: which script a text is in, one form for all widths, and the words of a text without spaces."""

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate, pairwise

_KANJI = "々〆〇㐀-䶿一-鿿豈-﫿"
_KATAKANA = "ァ-ヺー-ヿㇰ-ㇿｦ-ﾟ"
_HIRAGANA = "ぁ-ゖゝ-ゟ"
_JAPANESE = re.compile(f"[{_KANJI}{_KATAKANA}{_HIRAGANA}]")
# What stands between words in either language, brackets and the middle dot of an enumeration included.
_CHUNK = re.compile(r"[^\s.,;:!?。、：；]+")
_BESIDE = re.compile(r"[「」『』（）()［］\[\]【】〔〕・･｡､！？／~〜～]")
_RUN = re.compile(
    f"(?P<kanji>[{_KANJI}]+)|(?P<hiragana>[{_HIRAGANA}][{_HIRAGANA}ー]*)|(?P<other>[{_KATAKANA}]+|"
    f"[^{_KANJI}{_KATAKANA}{_HIRAGANA}]+)"
)
# Grammar that a run of hiragana begins or ends with: a closed class of the language, not the plant's vocabulary.
_PARTICLE = re.compile(r"(?:から|まで|より|など|が|は|を|に|で|と|も|の|や|へ)")
_ENDING = re.compile(
    r"(?:(?:には|では|とは|から|まで|より|など|が|は|を|に|で|と|も|の|や|へ)?"
    r"(?:あります|ありません|ありました|ある|あり|なし|なく|ない|です|でした|である|であり|だった|"
    r"ています|ている|ておらず|ていない|ました|ません|ます|しない|した|して|する|された|される|されず|され|し)"
    r"|には|では|とは|から|まで|より|など|が|は|を|に|で|と|も|の|や|へ)$"
)


def normalise(text: str) -> str:
    """NFKC: full-width Latin and half-width kana become the ordinary forms."""
    return unicodedata.normalize("NFKC", text)


def origins(text: str) -> list[int]:
    """Where each character of `normalise(text)`, and its end, stands in `text`: len(normalise(text)) + 1 offsets.

    A character that NFKC joins with the one before it (a half-width voiced mark) has that one's offset.
    """
    whole = normalise(text)
    starts = [i for i, c in enumerate(text) if i == 0 or not unicodedata.combining(normalise(c)[0])]
    parts = [normalise(text[a:b]) for a, b in pairwise([*starts, len(text)])]
    if "".join(parts) == whole:
        return [start for start, part in zip(starts, parts, strict=True) for _ in part] + [len(text)]
    # Beyond Latin and Japanese there is more that composes; the prefixes know it, slowly.
    sizes = list(accumulate((min(len(normalise(text[:end])), len(whole)) for end in range(len(text) + 1)), max))
    return [bisect_right(sizes, at) - 1 for at in range(len(whole) + 1)]


def is_japanese(text: str) -> bool:
    """True where there is a kana or a kanji in it, of any width."""
    return _JAPANESE.search(text) is not None


def words(text: str) -> list[tuple[int, int]]:
    """The words of a text: [start, end) of each, without punctuation.

    Spaces part words; Japanese has none, so there a word is a run of one script: kanji with the hiragana
    that inflects them (割れ), katakana, Latin and digits. From a run of hiragana the particle at its front
    and the particle or ending at its back are words of their own (に|へこみ|があります). That needs no
    dictionary, never cuts a compound in two, and errs by making words too long.
    """
    found: list[tuple[int, int]] = []
    for chunk in _CHUNK.finditer(text):
        if not is_japanese(chunk.group()):
            found.append(chunk.span())
            continue
        start = chunk.start()
        for mark in [*_BESIDE.finditer(text, *chunk.span()), None]:
            end = mark.start() if mark else chunk.end()
            found += _japanese(text, start, end)
            start = mark.end() if mark else end
    return found


def pieces(text: str) -> list[str]:
    """A text cut into its words and what stands between them; together they are the text."""
    cuts = sorted({0, len(text), *(at for word in words(text) for at in word)})
    return [text[a:b] for a, b in pairwise(cuts)]


def _japanese(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Words of a stretch without spaces and punctuation."""
    found: list[tuple[int, int]] = []
    after_kanji = False
    for run in _RUN.finditer(text, start, end):
        if run.lastgroup == "hiragana":
            found = _with_hiragana(text, found, run.start(), run.end(), after_kanji)
        else:
            found.append(run.span())
        after_kanji = run.lastgroup == "kanji"
    return found


def _with_hiragana(
    text: str, found: list[tuple[int, int]], start: int, end: int, after_kanji: bool
) -> list[tuple[int, int]]:
    """The words so far and those of a run of hiragana, whose first part may inflect the kanji before it."""
    ending = _ENDING.search(text, start, end) if found or end - start > 2 else None
    stop = ending.start() if ending else end
    front = _PARTICLE.match(text, start, stop) if found else None
    middle = front.end() if front else start
    if after_kanji and front is None and start < stop:
        found = [*found[:-1], (found[-1][0], stop)]
        middle = stop
    pieces = [(start, front.end())] if front else []
    return [*found, *[(a, b) for a, b in (*pieces, (middle, stop), (stop, end)) if a < b]]
