"""Pairs as lines for people, and what was decided about them."""

from collections.abc import Mapping
from typing import Any

from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.review import difference
from realign_edge.preferences.review.ruling import Ruling

_HELD = {
    "accept": "accepted",
    "swap": "swapped: the rejected answer is the right one",
    "edit": "edited",
    "also_fits": "the retrieved photo fits, too: no visual term",
    "discard": "discarded: not trained on",
    "contested": "set aside until they agree",
}


def _said(ruling: Ruling | None) -> str:
    """What people decided about a pair, and who; "" where nobody did."""
    if ruling is None:
        return ""
    text = f"{_HELD[ruling.held]} ({', '.join(ruling.reviewers)})"
    if ruling.held == "edit":
        text += f"\n    chosen    {ruling.chosen}\n    rejected  {ruling.rejected}"
    return text


def reviewed_json(ruling: Ruling | None) -> dict[str, Any]:
    """The key `review` of a pair; {} where nobody decided about it."""
    if ruling is None:
        return {}
    texts = {"chosen": ruling.chosen, "rejected": ruling.rejected} if ruling.held == "edit" else {}
    return {"review": {"held": ruling.held, "reviewers": list(ruling.reviewers), **texts}}


def pair_lines(pair: PreferencePair, names: Mapping[str, str], ruling: Ruling | None) -> list[str]:
    """A pair as it was built, with an empty line at its end. names: of photos, by identity."""
    found = [f"{names.get(pair.photo, pair.photo[:12])}   looked at: {names.get(pair.retrieved, '-')}"]
    how = pair.provenance
    if how.masked:
        found.append(f"  masked    {how.masked}")
        found.append(f"            rank {how.rank}, photo {how.photo_similarity:.3f}, text {how.text_similarity:.3f}")
    else:
        found.append(f"  question  {pair.prompt}")
    chosen, rejected = marked(pair.chosen, pair.rejected)
    found += [f"  chosen    {chosen}", f"  rejected  {rejected}"]
    if said := _said(ruling):
        found.append(f"  review    {said}")
    return [*found, ""]


def marked(a: str, b: str) -> tuple[str, str]:
    """Both texts with the words that differ in square brackets, so that colour is not needed."""
    left, right = difference.marked(a, b)
    return difference.bracketed(left), difference.bracketed(right)
