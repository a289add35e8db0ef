"""How much a look at a pair is worth: what speaks against it, from what is known without anybody looking.

Each doubt has a strength d in [0, 1] and a weight w, and a pair is worth

    1 - product over its doubts of (1 - w d),

the probability that at least one of them is justified if they were independent and w d were its own probability. It is
an order to look in, not a measured probability: the weights say how much each sign by itself is trusted.

| doubt      | strength d                                                                            | w   |
|------------|---------------------------------------------------------------------------------------|-----|
| record     | (k + e^-g) / (1 + k + e^-g)                                                           | 1.0 |
| model      | 1 where the true note is an answer of a model, which nobody has checked               | 0.5 |
| vocabulary | share of the stretches in which the answers differ that hold no term of the glossary  | 0.4 |
| rare       | 1 / n, n: training photos with the rarest defect that the photo's record names        | 0.3 |
| weak       | how far into the bottom tenth of the folder g is                                      | 0.3 |
| alike      | how far into the top tenth of the folder the similarity of the two photos is          | 0.3 |
| close      | the same for the similarity of the two notes                                          | 0.3 |
| far        | how far into the bottom tenth that is                                                 | 0.2 |

record: g is the reference gap log pi_0(y_w|v) - log pi_0(y_w|v_l) of the photo's note pair, k the number of its
neighbours that were turned down since the note fits them as well. With equal priors over the photo, the k and the
retrieved one, d is by Bayes' rule the reference model's probability that the note was not written about its own photo
(at least, since each of the k fits no worse). The photo's questions come from the same record, and inherit it.
vocabulary: whether a completion is still true is judged by the glossary's terms, so about other words nobody judged.
rare: an error in one of n photos with a defect spoils 1/n of what is learnt of it.
weak: models are surer than they are right, so that g is large for wrong records, too, but less so than for others.
alike, close, far: nearly the same photo under another record, or nearly the same note, may be the same thing said
twice; a note that has nothing in common with the true one may be no note at all. Ranks within the folder, not cosines,
since cosines of different towers and encoders do not compare.

A pair is worth looking at from WORTH = 0.35 on: more than any single weak sign (w <= 0.3) can reach, so that the
unavoidable top tenths alone make nobody's work, and less than the least of the others (vocabulary) at full strength.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from realign_edge.glossary.facts import Facts, facts_of
from realign_edge.glossary.model import Glossary
from realign_edge.photos.model import Photo
from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.review.difference import unknown_share

WORTH = 0.35
WEIGHTS: Mapping[str, float] = {
    "record": 1.0, "model": 0.5, "vocabulary": 0.4, "rare": 0.3, "weak": 0.3, "alike": 0.3, "close": 0.3, "far": 0.2,
}  # fmt: skip
# What the builder calls a neighbour that was turned down since the note fits it as well (preferences/notes.py).
FITS_AS_WELL = "tried: the retrieved photo fits the note as well"
_TAIL = 0.1
# Below this a doubt is not worth a word.
_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Doubt:
    """name: one of WEIGHTS; strength in [0, 1]; figure: what it was judged by (gap in nats, n, a cosine, a share)."""

    name: str
    strength: float
    figure: float

    @property
    def weight(self) -> float:
        """In the worth of a pair."""
        return WEIGHTS[self.name]


def worth(doubts: Sequence[Doubt]) -> float:
    """Of a look at the pair, in [0, 1]."""
    return 1.0 - math.prod(1.0 - d.weight * d.strength for d in doubts)


def record_doubt(gap: float | None, fitting: int) -> float:
    """gap in nats, None where it was not measured; fitting: neighbours that the note fits as well."""
    others = fitting + (math.exp(-max(gap, -700.0)) if gap is not None else 0.0)
    return others / (1.0 + others)


class Doubter:
    """Judges the pairs of one folder; the same pairs and records give the same judgements."""

    def __init__(
        self,
        pairs: Sequence[PreferencePair],
        photos: Mapping[str, Photo],
        glossary: Glossary,
        attempts: Mapping[str, Mapping[str, int]],
    ) -> None:
        """attempts: by photo, what pair building turned down, with counts."""
        self.glossary = glossary
        self._facts = {sha: facts_of(p.record, glossary) for sha, p in photos.items() if p.split == "train"}
        self._seen = Counter(d for f in self._facts.values() if f is not None for d in f.defects)
        gaps = [(p.photo, p.provenance.reference_gap) for p in pairs]
        self._gaps = {photo: gap for photo, gap in gaps if gap is not None}
        self._fitting = {photo: reasons.get(FITS_AS_WELL, 0) for photo, reasons in attempts.items()}
        self._gap_ranks = sorted(self._gaps.values())
        self._photo_ranks = sorted(p.provenance.photo_similarity for p in pairs if p.retrieved)
        self._text_ranks = sorted(p.provenance.text_similarity for p in pairs if _has_text(p))

    def doubts(self, pair: PreferencePair) -> tuple[Doubt, ...]:
        """What speaks against a pair, the heaviest first."""
        how, found = pair.provenance, []
        gap = self._gaps.get(pair.photo)
        fitting = self._fitting.get(pair.photo, 0)
        found.append(Doubt("record", record_doubt(gap, fitting), gap if gap is not None else float(-fitting)))
        if gap is not None:
            found.append(Doubt("weak", _bottom(self._gap_ranks, gap), gap))
        if how.source == "model" and pair.kind == "note":
            found.append(Doubt("model", 1.0, 1.0))
        # What the infill writes into the glossary's own slots are terms of the glossary.
        if pair.kind == "note" and (how.masking, how.completion) != ("glossary", "infill"):
            unknown = unknown_share(pair.chosen, pair.rejected, self.glossary)
            found.append(Doubt("vocabulary", unknown, unknown))
        if rarest := self._rarest(pair.photo):
            found.append(Doubt("rare", 1.0 / rarest, rarest))
        if pair.retrieved:
            found.append(Doubt("alike", _top(self._photo_ranks, how.photo_similarity), how.photo_similarity))
        if _has_text(pair):
            found.append(Doubt("close", _top(self._text_ranks, how.text_similarity), how.text_similarity))
            found.append(Doubt("far", _bottom(self._text_ranks, how.text_similarity), how.text_similarity))
        return tuple(sorted(filter(_tells, found), key=lambda d: (-d.weight * d.strength, d.name)))

    def _rarest(self, photo: str) -> int:
        facts: Facts | None = self._facts.get(photo)
        return min((self._seen[d] for d in facts.defects), default=0) if facts is not None else 0


def _tells(doubt: Doubt) -> bool:
    return doubt.weight * doubt.strength >= _LEAST


def _has_text(pair: PreferencePair) -> bool:
    """Was the similarity of its notes measured?"""
    return pair.kind == "note" and pair.provenance.completion in ("infill", "prompt")


def _top(ranked: Sequence[float], value: float) -> float:
    """0 up to where the top tenth begins, 1 at its end; the rank is the share of values below."""
    return max(0.0, 1.0 - (1.0 - bisect_left(ranked, value) / len(ranked)) / _TAIL) if len(ranked) else 0.0


def _bottom(ranked: Sequence[float], value: float) -> float:
    return max(0.0, 1.0 - bisect_right(ranked, value) / len(ranked) / _TAIL) if len(ranked) else 0.0
