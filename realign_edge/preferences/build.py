"""Building the pairs of a folder, group by group, and what is stored of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from realign_edge.errors import Interrupted
from realign_edge.files import fingerprint
from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.collection import Collection
from realign_edge.photos.model import Photo
from realign_edge.preferences.builder import PairBuilder
from realign_edge.preferences.model import PreferencePair
from realign_edge.progress import Progress
from realign_edge.team import Alone, Team, dealt, mine

# Photos that are worked on and stored together. Likelihoods depend in their last bits on what is batched, so
# groups are cut in the same places whenever a build is stopped and goes on.
GROUP = 32


@dataclass(frozen=True)
class BuildSummary:
    """What came out: pairs by kind, photos without a note pair by reason, refused neighbours by reason.

    pair_list: those to train on; changed: how many of the pairs people changed or took out, by kind of change.
    """

    settings: str
    photos: int
    pairs: dict[str, int]
    without_note: dict[str, int]
    neighbours_refused: dict[str, int]
    changed: Mapping[str, int] = field(default_factory=dict)
    pair_list: tuple[PreferencePair, ...] = field(repr=False, default=())


def build_pairs(
    catalog: Catalog | None,
    collection: Collection,
    builder: PairBuilder,
    progress: Progress,
    should_stop: Callable[[], bool],
    team: Team | None = None,
) -> BuildSummary:
    """Build the pairs of every training photo that has none under these settings, and store them as they come.

    catalog: None at the members of a team that are not the first; each works on whole groups, and the first stores.

    Raises:
        Interrupted: `should_stop()` said so; what is stored stays, and the next call goes on from there.
    """
    team = team or Alone()
    settings = fingerprint(builder.made_by, content_fingerprint(collection.photos), builder.language)
    photos = collection.of("train")
    attempted = team.share(set(catalog.attempted(collection.root, settings)) if catalog is not None else set())
    todo = [p for p in photos if p.sha256 not in attempted]
    if todo:
        progress.start("Building pairs", len(photos))
    done = len(photos) - len(todo)
    groups = [todo[start : start + GROUP] for start in range(0, len(todo), GROUP)]
    for start in range(0, len(groups), team.size):
        together = groups[start : start + team.size]
        own = [group_rows(builder, group, settings) for group in mine(team, together)]
        for rows in dealt(team.gather(own)):
            if catalog is not None:
                catalog.store_attempts(collection.root, settings, rows)
            done += len(rows)
            progress.advance(done)
        if should_stop():
            raise Interrupted("pair building was stopped", "run the same command again to go on")
    summary = team.share(summarise(catalog, collection, settings) if catalog is not None else _NO_SUMMARY)
    if todo:
        progress.finish(f"{sum(summary.pairs.values())} pairs")
    return summary


# What a member without a catalog puts into `share`; it gets the first one's.
_NO_SUMMARY: Any = None


def group_rows(
    builder: PairBuilder, group: Sequence[Photo], settings: str
) -> list[tuple[str, dict[str, int], list[dict[str, Any]]]]:
    """What the catalog stores of a group: per photo its identity, the reasons, and the pairs as plain values."""
    rows = []
    for photo, (pairs, reasons) in zip(group, builder.build_group(group), strict=True):
        stamped = [replace(p, provenance=replace(p.provenance, settings=settings)) for p in pairs]
        rows.append((photo.sha256, reasons, [p.to_json() for p in stamped]))
    return rows


def summarise(catalog: Catalog, collection: Collection, settings: str) -> BuildSummary:
    """What is stored for this folder under these settings."""
    pairs = tuple(PreferencePair.from_json(value) for value in catalog.pairs(collection.root, settings))
    reasons: Counter[str] = Counter()
    for found in catalog.attempted(collection.root, settings).values():
        reasons.update(found)

    def _with(prefix: str) -> dict[str, int]:
        chosen = {k.removeprefix(prefix): n for k, n in reasons.items() if k.startswith(prefix)}
        return dict(sorted(chosen.items(), key=lambda item: (-item[1], item[0])))

    return BuildSummary(
        settings=settings,
        photos=len(collection.of("train")),
        pairs=dict(sorted(Counter(p.kind for p in pairs).items())),
        without_note=_with("note: "),
        neighbours_refused=_with("neighbour: ") | _with("tried: "),
        pair_list=pairs,
    )
