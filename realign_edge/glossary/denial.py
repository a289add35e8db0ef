"""How Japanese says that something is not there: behind the noun, possibly behind an enumeration of nouns."""

import re
from bisect import bisect_left
from collections.abc import Sequence

# Between the noun and its denial: a few words of the same clause, none of which says that it is there, or speaks of
# something else that is not ("傷は浅いため支障ない").
_BETWEEN = (
    r"(?:(?!あり(?!ま)|有り(?!ま)|ある|有る|見られる|残っ|ため|ので|影響|支障|使用|機能|性能|浅|軽微)"
    r"[^。、；：;!?！？\nが]){0,14}?"
)
# "傷が認められない": behind its own particle only a verb of finding follows.
_FOUND = r"(?:が(?:全く|まったく|一切|特に)?(?:確認|検出|発見|発生|存在|見受け|見当|認め|見)?[ぁ-ゖ]{0,4}?)?"
# "深くない" (not deep) and "少ない" (little) deny no defect; "全くない" (not at all) does.
_ADJECTIVE = r"(?<!少)(?<!なくは)(?<!なくも)(?:(?<!く)|(?<=全く)|(?<=まったく))"
_NOT = (
    rf"(?:なし|ナシ|無し|無い|無く|無かった|(?<!有)無(?![一-鿿])|{_ADJECTIVE}な(?:い|く|かった)|{_ADJECTIVE}ありません"
    r"|(?<!あり)ません|(?:見当たら|られ|され|でき|認め|せ)ず|未検出|未確認|未発生|不検出|皆無)"
)
# "傷がないとは言えない" (one cannot say that there is none), "なくはない", "ないわけではない" deny nothing.
_NOT_DENIED = r"(?!とは(?:言|い|限|かぎ)|は(?:な[いく]|ありません)|わけでは|ことは|とも(?:言|い|限))"
# Texts are normalised before: a full-width colon or digit is the ordinary one here.
_DENIED = re.compile(_BETWEEN + _FOUND + _NOT + _NOT_DENIED)
# A checklist's entry, "キズ:OK", "ワレ 0件"; only behind a Japanese word.
_CHECKED = re.compile(
    r"\s*[:=]?\s*(?:(?:0|零|ゼロ)\s*(?:件|個|箇所|ヶ所|カ所|か所|本|点)?(?![\d.])|(?<=[:=\s])(?:ok|○|〇|良|合格)(?![a-z]))"
)
# "傷以外は異常なし": what is denied is everything else.
_ELSE = re.compile(r"(?:以外|のみ|だけ|しか|を除|の他|のほか|の外)")
# "傷の有無を確認" says neither; "傷の有無:有" says that it is there.
_WHETHER = re.compile(r"の?有無(?!\s*[は:]?\s*(?:有|あり))")
# Nobody denies more in one breath; a note that goes on and on must not take for ever.
_MOST_NOUNS = 30
_JOINED = re.compile(r"\s*(?:および|または|若しくは|もしくは|並びに|ならびに|及び|又は|や|と|も|・|、|,|/)\s*")


def denied_ja(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Is the mention at [start, end) of a normalised, lowered text denied in Japanese? spans: of all mentions."""
    if start and text[start - 1] == "無":
        return True
    if not text[start:end].isascii() and _CHECKED.match(text, end):
        return True
    for _ in range(_MOST_NOUNS):
        if _ELSE.match(text, end):
            return False
        match = _DENIED.match(text, end)
        # The mention behind this one: what is denied beyond it is denied of that.
        number = bisect_left(spans, (end, 0))
        behind = spans[number] if number < len(spans) else (len(text), len(text))
        if _WHETHER.match(text, end) or (match and match.end() <= behind[0]):
            return True
        joined = _JOINED.match(text, end)
        if joined is None or joined.end() != behind[0] or behind[0] == len(text):
            return False
        end = behind[1]
    return False
