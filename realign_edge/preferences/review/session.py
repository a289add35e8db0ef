"""One person before the pairs of a folder: which comes next, what is decided, how far it is.

It knows no screen: the terminal window and the line by line questions both drive it. Every decision is stored before
the call returns, and decisions of others are read again at every look.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from realign_edge.photos.model import Photo
from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.review.doubts import Doubt
from realign_edge.preferences.review.model import Decision, Verdict, decision_about
from realign_edge.preferences.review.order import Place
from realign_edge.preferences.review.ruling import Ruling, rulings_of
from realign_edge.preferences.review.stock import Stock
from realign_edge.preferences.review.store import ReviewStore, Row, standing

# Why a pair comes now: people differ; a pair of the same photo was changed; the order; it was skipped before.
Why = Literal["contested", "same_photo", "order", "skipped", "taken_back"]
_FIRST: tuple[Why, ...] = ("contested", "same_photo", "order")
# Verdicts that say that something about the photo's record is wrong.
_CHANGES = ("swap", "edit", "discard")


@dataclass(frozen=True)
class Item:
    """A pair to look at, with all that a person may want to know of it. ruling: None where nobody decided yet."""

    pair: PreferencePair
    photo: Photo
    retrieved: Photo | None
    doubts: tuple[Doubt, ...]
    value: float
    why: Why
    ruling: Ruling | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far it is: pairs decided by anybody and by this reviewer; still worth a look; those that people differ on."""

    pairs: int
    decided: int
    own: int
    worth_left: int
    contested: int


@dataclass
class ReviewSession:
    """One person's session; safe to be called from several threads, one call after the other.

    now: seconds since the epoch; seat: names this session among those that are open.
    """

    stock: Stock
    reviewer: str
    now: Callable[[], float] = time.time
    seat: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.store = ReviewStore(self.stock.catalog)
        self._lock = threading.RLock()
        self._rows: tuple[Row, ...] = ()
        self._rulings: dict[str, Ruling] = {}
        self._skipped: dict[str, None] = {}
        self._back: list[str] = []
        self._refresh()

    def current(self) -> Item | None:
        """The pair to look at now, after a look at what others decided meanwhile; None where all is decided."""
        with self._lock:
            self._refresh()
            found = self._next()
            self.store.sit(self.seat, self.reviewer, found[0].pair_id if found else "", self.now())
            return self._item(*found) if found else None

    def decide(self, pair_id: str, verdict: Verdict, chosen: str = "", rejected: str = "", note: str = "") -> Decision:
        """Store a decision about the pair that was shown.

        Raises:
            RefusedDecision: it makes no sense for this pair; nothing is stored.
        """
        with self._lock:
            about = self.stock.pairs[pair_id]
            made = decision_about(about, verdict, self.reviewer, self._time(), chosen, rejected, note)
            made = self.store.append(made)
            self._skipped.pop(pair_id, None)
            self._back = [b for b in self._back if b != pair_id]
            return made

    def skip(self, pair_id: str) -> None:
        """Show it again after all others; nothing is stored."""
        with self._lock:
            self._skipped.pop(pair_id, None)
            self._skipped[pair_id] = None
            self._back = [b for b in self._back if b != pair_id]

    def undo(self) -> Decision | None:
        """Take the last own decision back, also one of an earlier session; its pair is shown next. None without one."""
        with self._lock:
            gone = self.store.take_back(self.reviewer, self.stock.pairs, self._time())
            if gone is not None:
                self._back.append(gone.pair_id)
                self._skipped.pop(gone.pair_id, None)
            return gone

    def standing(self) -> Standing:
        """How far it is, as of the last look."""
        with self._lock:
            known = [r for r in self._rulings.values() if r.pair_id in self.stock.pairs]
            contested = sum(r.held == "contested" for r in known)
            own = sum(any(d.reviewer == self.reviewer for d in r.decisions) for r in known)
            left = sum(self._worth(place) for place in self.stock.places if self._open(place.pair_id))
            return Standing(len(self.stock.pairs), len(known) - contested, own, left, contested)

    def upcoming(self, most: int) -> list[Item]:
        """The pairs that are left for this reviewer, as they would come."""
        with self._lock:
            self._refresh()
            left = [p for p in self.stock.places if self._open(p.pair_id)]
            left.sort(key=lambda p: (p.pair_id not in self._rulings, p.photo not in self._changed))
            return [self._item(place, self._why(place)) for place in left[:most]]

    def rulings(self) -> list[Ruling]:
        """What holds of the pairs of this folder that somebody decided about, by pair."""
        with self._lock:
            return [self._rulings[pair_id] for pair_id in sorted(self._rulings) if pair_id in self.stock.pairs]

    def leave(self) -> None:
        """Nobody sits here any longer."""
        self.store.sit(self.seat, self.reviewer, "", self.now())

    # Inside

    def _refresh(self) -> None:
        new = self.store.rows(self._rows[-1].decision.number if self._rows else 0)
        if new or not self._rows:
            self._rows += new
            self._rulings = rulings_of(standing(self._rows))
            self._changed = {r.photo for r in self._rulings.values() if r.held in _CHANGES}

    def _next(self) -> tuple[Place, Why] | None:
        """Taken back first, then what people differ on, then by order, then what was skipped or others look at."""
        by_id = {place.pair_id: place for place in self.stock.places} if self._back else {}
        for pair_id in reversed(self._back):
            return by_id[pair_id], "taken_back"
        seated = self.store.seated(self.reviewer, self.now())
        left = [p for p in self.stock.places if self._open(p.pair_id) and p.pair_id not in self._skipped]
        free = [p for p in left if p.pair_id not in seated] or left
        first: dict[Why, Place] = {}
        for place in free:
            first.setdefault(self._why(place), place)
        for why in _FIRST:
            if why in first:
                return first[why], why
        skipped = {pair_id: n for n, pair_id in enumerate(self._skipped) if self._open(pair_id)}
        places = sorted((p for p in self.stock.places if p.pair_id in skipped), key=lambda p: skipped[p.pair_id])
        return (places[0], "skipped") if places else None

    def _why(self, place: Place) -> Why:
        if place.pair_id in self._rulings:
            return "contested"
        return "same_photo" if place.photo in self._changed else "order"

    def _open(self, pair_id: str) -> bool:
        """Is there something for this reviewer to decide? What people differ on comes back when another one spoke."""
        ruling = self._rulings.get(pair_id)
        if ruling is None:
            return True
        return ruling.held == "contested" and ruling.decisions[-1].reviewer != self.reviewer

    def _worth(self, place: Place) -> bool:
        return place.worth_doing or place.pair_id in self._rulings or place.photo in self._changed

    def _item(self, place: Place, why: Why) -> Item:
        pair, photos = self.stock.pairs[place.pair_id], self.stock.photos
        ruling = self._rulings.get(place.pair_id)
        other = photos.get(pair.retrieved)
        return Item(pair, photos[pair.photo], other, self.stock.doubts[pair.pair_id], place.value, why, ruling)

    def _time(self) -> str:
        return datetime.fromtimestamp(self.now()).astimezone().isoformat(timespec="seconds")
