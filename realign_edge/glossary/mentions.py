"""Find the glossary's terms in a text, and whether each is said to be there or not to be there."""

import re
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
# "no defects other than a scratch": what follows is there.
_EXCEPTION = re.compile(r"\b(?:other than|apart from|besides|except(?: for)?|more than|only)\b")
# After the term: "scratch: none", "dents not present", "rust is absent".
_NEGATED_AFTER = re.compile(
    r"\s*(?:[:=\-]\s*(?:none|no|nil|0)\b|(?:is|are|was|were)\s+(?:not|absent)\b|not\s+(?:present|found|visible|seen|detected)\b"
    r"|absent\b)"
)
_KATAKANA_END = re.compile("[ァ-ヺー]$")


def find_mentions(text: str, glossary: Glossary) -> tuple[Mention, ...]:
    """Every mention, in order; the longest form wins; offsets are into the NFKC form of `text` (`normalise`)."""
    plain = normalise(text)
    pattern, owners = _matcher(glossary)
    lowered = plain.lower()
    spans = [(m.start(), m.end(), owners[_key(m.group())]) for m in pattern.finditer(lowered)]
    found = []
    for start, end, (term, category) in spans:
        found.append(Mention(term, category, start, end, _negated(lowered, start, end, spans)))
    return tuple(found)


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


def _negated(text: str, start: int, end: int, spans: list[tuple[int, int, tuple[str, Category]]]) -> bool:
    clause_start = max((m.end() for m in _CLAUSE.finditer(text, 0, start)), default=0)
    before = text[clause_start:start]
    negations = list(_NEGATION.finditer(before))
    if negations and not _EXCEPTION.search(before, negations[-1].end()):
        between = before[negations[-1].end() :]
        # "not only", and a comma followed by a new claim ("no rust, scratch at the left") end the scope.
        return not re.search(r",(?!\s*(?:or|and|nor)\b)(?=[^,]*$)", between) or _enumerated(between, text[end:])
    if _NEGATED_AFTER.match(text, end):
        return True
    return denied_ja(text, start, end, [span[:2] for span in spans])


def _enumerated(between: str, after: str) -> bool:
    """True where "no scratches, dents or cracks" goes on: the list ends in "or", and no place is given."""
    tail = re.split(r"[.;:]", after, maxsplit=1)[0]
    return bool(re.search(r"\b(?:or|nor)\b", between + tail)) and not re.search(r"\b(?:at|on|in|near)\b", tail)
