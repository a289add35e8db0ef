"""Who sits down before the pairs, and what is seen of the one that comes next."""

from dataclasses import dataclass
from pathlib import Path

from realign_edge.preferences.review.session import Item, ReviewSession, Standing
from realign_edge.preferences.review.stock import open_stock
from realign_edge.runs.run import find_run
from tui.context import Context
from tui.review.telling import replaced


@dataclass(frozen=True, slots=True)
class Look:
    """A pair to look at (None: no more), and how far it is.

    replaced: identities of photos in whose place another file lies.
    """

    item: Item | None
    standing: Standing
    replaced: frozenset[str]


def session_of(context: Context) -> ReviewSession:
    """Raises:
    RealignError: there are no pairs, or the catalog cannot be read.
    """
    photos = context.photos or _photos_of_run(context)
    return ReviewSession(open_stock(context.home / "catalog.sqlite", photos), context.options.person, context.now)


def _photos_of_run(context: Context) -> Path:
    """The folder that a run was made from, where no folder was named."""
    return Path(str(find_run(context.home / "runs", context.run).about.get("photos", "")))


def look(session: ReviewSession) -> Look:
    """The next pair; its photos are read."""
    item = session.current()
    photos = [p for p in (item.photo, item.retrieved) if p is not None] if item is not None else []
    return Look(item, session.standing(), frozenset(p.sha256 for p in photos if replaced(p)))
