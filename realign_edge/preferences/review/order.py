"""In which order pairs are looked at: worth first, but not one photo ten times in a row."""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from realign_edge.preferences.review.doubts import WORTH


@dataclass(frozen=True, slots=True)
class Place:
    """A pair's place: value is its worth, halved for each pair of the same photo before it."""

    pair_id: str
    photo: str
    value: float

    @property
    def worth_doing(self) -> bool:
        """Is a look at it worth the time?"""
        return self.value >= WORTH


def in_order(pairs: Iterable[tuple[str, str, float]]) -> tuple[Place, ...]:
    """(pair_id, photo, worth) in the order to look at them; ties by pair_id, so that everybody has the same order.

    The second pair of a photo tells half as much: whoever has seen that its record is right, or wrong, knows much of
    the others. No two pairs of a photo follow each other while another photo has one left that is worth doing.
    """
    heap = [(-worth, pair_id, photo, 0) for pair_id, photo, worth in sorted(pairs)]
    own = {pair_id: -negative for negative, pair_id, _, _ in heap}
    heapq.heapify(heap)
    taken: Counter[str] = Counter()
    found: list[Place] = []
    while heap:
        place = _next(heap, own, taken, found[-1].photo if found else "")
        taken[place.photo] += 1
        found.append(place)
    return tuple(found)


def _next(heap: list[tuple[float, str, str, int]], own: dict[str, float], taken: Counter[str], last: str) -> Place:
    """The best one; another photo's before that of the photo last seen, while it is worth doing."""
    held: tuple[float, str, str, int] | None = None
    while heap:
        negative, pair_id, photo, seen = heapq.heappop(heap)
        if seen != taken[photo]:
            heapq.heappush(heap, (-own[pair_id] * 0.5 ** taken[photo], pair_id, photo, taken[photo]))
        elif photo == last and held is None and heap:
            held = (negative, pair_id, photo, seen)
        elif held is not None and (photo == last or -negative < WORTH <= -held[0]):
            heapq.heappush(heap, (negative, pair_id, photo, seen))
            break
        else:
            if held is not None:
                heapq.heappush(heap, held)
            return Place(pair_id, photo, -negative)
    assert held is not None
    return Place(held[1], held[2], -held[0])
