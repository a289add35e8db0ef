"""What becomes of pairs by what people decided about them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.review.ruling import Ruling

# Kinds of change, in the order in which they are told.
CHANGES: Mapping[str, str] = {
    "swapped": "swapped",
    "edited": "edited",
    "without_retrieved": "without their retrieved photo",
    "discarded": "discarded",
    "contested": "set aside until people agree",
}


@dataclass(frozen=True)
class Reviewed:
    """The pairs to train on, in the order that they came in, and how many were changed, by kind (`CHANGES`)."""

    changes: Mapping[str, int]
    pairs: tuple[PreferencePair, ...] = field(repr=False, default=())

    @property
    def sentence(self) -> str:
        """One line for people; "" where nothing was changed."""
        return changes_sentence(self.changes)


def changes_sentence(changes: Mapping[str, int]) -> str:
    """`12 pairs changed by review: 3 swapped, 9 discarded`; "" for none."""
    total = sum(changes.values())
    if not total:
        return ""
    parts = ", ".join(f"{changes[kind]} {words}" for kind, words in CHANGES.items() if changes.get(kind))
    return f"{total} pair{'' if total == 1 else 's'} changed by review: {parts}"


def fits(rulings: Mapping[str, Ruling]) -> frozenset[tuple[str, str]]:
    """(photo, other photo) where a person found that the other one fits what is said of the photo."""
    return frozenset((r.photo, r.retrieved) for r in rulings.values() if r.held == "also_fits")


def apply_rulings(pairs: Iterable[PreferencePair], rulings: Mapping[str, Ruling]) -> Reviewed:
    """The pairs as people want them.

    accept: as it is. discard, contested: left out. swap: the answers change places; the retrieved photo was picked
    because it contradicts the old true answer, and often shows just what the new one says, so it goes. edit: other
    texts; the person who wrote them saw the retrieved photo beside. also_fits: the visual term, which prefers the
    photo over the retrieved one, would teach a falsehood, so the retrieved photo goes and the text term stays; this
    holds for every pair of these two photos.
    """
    found, changes = [], Counter[str]()
    also = fits(rulings)
    for pair in pairs:
        kind, made = _applied(pair, rulings.get(pair.pair_id), (pair.photo, pair.retrieved) in also)
        changes.update({kind: 1} if kind else {})
        found += [made] if made is not None else []
    return Reviewed({kind: changes[kind] for kind in CHANGES if changes[kind]}, tuple(found))


def _applied(pair: PreferencePair, ruling: Ruling | None, also_fits: bool) -> tuple[str, PreferencePair | None]:
    """The kind of change ("" for none) and the pair, None where it is left out."""
    held = ruling.held if ruling is not None else "accept"
    if held == "discard":
        return "discarded", None
    if held == "contested":
        return "contested", None
    if held == "swap":
        return "swapped", replace(pair, chosen=pair.rejected, rejected=pair.chosen, retrieved="")
    retrieved = "" if also_fits else pair.retrieved
    if ruling is not None and held == "edit":
        return "edited", replace(pair, chosen=ruling.chosen, rejected=ruling.rejected, retrieved=retrieved)
    return ("without_retrieved", replace(pair, retrieved="")) if also_fits else ("", pair)
