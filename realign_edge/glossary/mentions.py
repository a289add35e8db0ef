"""Find the glossary's terms in a text, and whether each is said to be there or not to be there."""

import re
from bisect import bisect_right
from functools import lru_cache

from realign_edge.glossary.denial import denied_ja
from realign_edge.glossary.model import Category, Glossary, Mention
from realign_edge.glossary.script import normalise

# Where the scope of a negation ends.
_CLAUSE = re.compile(
    r"(?<!\d)[.]|[.](?!\d)|[;:!?\n。；：！？]|,? but |,? however |,? except |,? although "
    r"|、?ただし|、?しかし|が、|ものの"
)
_NEGATION = re.compile(
    r"\b(?:no|not|without|free (?:of|from)|neither|nor|never|none|absence of|lacks?|cannot see|"
    r"isn't|aren't|doesn't|don't|didn't|wasn't|weren't)\b"
)
# Words that look like a negation and are none: "without doubt a scratch" (pseudo-negations in the sense of NegEx,
# Chapman et al. 2001).
_NO_NEGATION = re.compile(
    r"\b(?:(?:no|without(?: a| any)?|beyond) (?:doubt|question)|not (?:only|just|merely|to be (?:overlooked|missed))"
    r"|(?:cannot|can't|could not|can not) (?:be )?(?:overlooked?|missed|denied|deny|ignored?|ruled? out|excluded?)"
    r"|not (?:be )?(?:ruled out|excluded)|no (?:change|longer (?:clean|intact|whole)))\b"
)
# No clause is longer; a note without a full stop must not take for ever.
_FURTHEST = 400
# "no defects other than a scratch": what follows is there.
_EXCEPTION = re.compile(r"\b(?:other than|apart from|besides|except(?: for)?|more than|only)\b")
# After the term: "scratch: none", "dents not present", "rust is absent"; a "scratch is not small" is there.
_SEEN = r"(?:to be )?(?:present|found|visible|seen|there|detected|observed|noticed|identified|apparent|evident|noted)"
_NEGATED_AFTER = re.compile(
    r"\s*(?:[:=\-]\s*(?:none|no|nil|0)\b|(?:(?:is|are|was|were|can|could|has|have)\s+)?(?:not|never)(?:\s+be(?:en)?)?\s+"
    rf"(?:\w+ly\s+|yet\s+)?{_SEEN}\b|(?:is|are|was|were)\s+not\s*(?:[.,;!]|$)|(?:(?:is|are|was|were)\s+)?absent\b)"
)
_KATAKANA_END = re.compile("[ァ-ヺー]$")


def find_mentions(text: str, glossary: Glossary) -> tuple[Mention, ...]:
    """Every mention, in order; the longest form wins; offsets are into the NFKC form of `text` (`normalise`)."""
    plain = normalise(text)
    pattern, owners = _matcher(glossary)
    lowered = plain.lower()
    spans = [(m.start(), m.end(), owners[_key(m.group())]) for m in pattern.finditer(lowered)]
    denials = _Denials(lowered, [span[:2] for span in spans])
    return tuple(Mention(term, category, start, end, denials.of(start, end)) for start, end, (term, category) in spans)


@lru_cache(maxsize=16)
def _matcher_of(
    forms: tuple[tuple[str, str, Category], ...],
) -> tuple[re.Pattern[str], dict[str, tuple[str, Category]]]:
    owners: dict[str, tuple[str, Category]] = {}
    patterns: list[tuple[int, str]] = []
    for form, term, category in forms:
        plain = normalise(form).lower()
        owners.setdefault(_key(plain), (term, category))
        if not plain.isascii():
            # A compound is named by its end: after the word no katakana may follow (バリ, but not バリエーション).
            patterns.append((len(plain), re.escape(plain) + (r"(?![ァ-ヺ])" if _KATAKANA_END.search(plain) else "")))
            continue
        flexible = r"[\s\-]+".join(re.escape(word) for word in re.split(r"[\s\-]+", plain))
        patterns.append((len(plain), rf"(?<![\w-]){flexible}(?:s|es)?(?![\w])"))
    patterns.sort(key=lambda p: -p[0])
    return re.compile("|".join(p for _, p in patterns) or r"(?!)"), _Owners(owners)


def _matcher(glossary: Glossary) -> tuple[re.Pattern[str], dict[str, tuple[str, Category]]]:
    return _matcher_of(tuple((form, t.term, t.category) for t in glossary.terms for form in t.forms))


def _key(form: str) -> str:
    return re.sub(r"[\s\-]+", " ", form)


class _Owners(dict[str, tuple[str, Category]]):
    """Finds a form's owner also in the plural."""

    def __missing__(self, form: str) -> tuple[str, Category]:
        for ending in ("es", "s"):
            if form.endswith(ending) and form.removesuffix(ending) in self:
                return self[form.removesuffix(ending)]
        raise KeyError(form)


class _Denials:
    """Of one text: what each mention needs of the whole text is looked for once, however many mentions there are.

    text: normalised and lowered; spans: of all mentions, in order.
    """

    def __init__(self, text: str, spans: list[tuple[int, int]]) -> None:
        self._text, self._spans = text, spans
        self._ends = [m.end() for m in _CLAUSE.finditer(text)]
        self._not_really = [m.span() for m in _NO_NEGATION.finditer(text)]

    def of(self, start: int, end: int) -> bool:
        """Is the mention at [start, end) said not to be there?"""
        return self._before(start, end) or bool(_NEGATED_AFTER.match(self._text, end)) or self._japanese(start, end)

    def _before(self, start: int, end: int) -> bool:
        """By a word before it in the same clause."""
        number = bisect_right(self._ends, start)
        first = max(self._ends[number - 1] if number else 0, start - _FURTHEST)
        before = self._text[first:start]
        negation = None
        for found in _NEGATION.finditer(before):
            if not self._is_idle(first + found.start()):
                negation = found
        if negation is None or _EXCEPTION.search(before, negation.end()):
            return False
        between = before[negation.end() :]
        # "not only", and a comma followed by a new claim ("no rust, scratch at the left") end the scope.
        new_claim = re.search(r",(?!\s*(?:or|and|nor)\b)(?=[^,]*$)", between)
        return not new_claim or _enumerated(between, self._text[end : end + _FURTHEST])

    def _is_idle(self, at: int) -> bool:
        """Does the negation at this place belong to words that deny nothing?"""
        number = bisect_right(self._not_really, (at, len(self._text)))
        return number > 0 and at < self._not_really[number - 1][1]

    def _japanese(self, start: int, end: int) -> bool:
        return denied_ja(self._text, start, end, self._spans)


def _enumerated(between: str, after: str) -> bool:
    """True where "no scratches, dents or cracks" goes on: the list ends in "or", and no place is given."""
    tail = re.split(r"[.;:]", after, maxsplit=1)[0]
    return bool(re.search(r"\b(?:or|nor)\b", between + tail)) and not re.search(r"\b(?:at|on|in|near)\b", tail)
