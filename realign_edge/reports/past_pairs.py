"""What the catalog still knows of the photos and pairs that a run was made from."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.model import Photo
from realign_edge.photos.text import shown
from realign_edge.preferences.review.ruling import read_rulings
from realign_edge.reports.alignment_model import Data, PairExample
from realign_edge.reports.difference import marked
from realign_edge.reports.tidy import tidy

# How many examples of each kind are shown.
_EXAMPLES = {"note": 5, "where": 1, "yes_no": 1}
# Kinds of reasons that concern neighbours: refused before they were looked at, and turned down after it.
_PASSED_OVER = ("neighbour", "tried")


@dataclass(frozen=True)
class CatalogFacts:
    """Photos, neighbours passed over by reason, and examples of pairs."""

    data: Data
    passed_over: Mapping[str, int]
    examples: tuple[PairExample, ...]


def catalog_facts(path: Path, root: Path, content: str, counts: Mapping[str, int]) -> CatalogFacts | None:
    """None where the catalog is gone, or the photos or records of `root` have changed since the run (`content`)."""
    if not path.is_file():
        return None
    with Catalog(path) as catalog:
        photos = catalog.photos(root)
        if not photos or content_fingerprint(photos) != content:
            return None
        settings, pairs = _pairs(catalog, root, counts)
        attempts = catalog.attempted(root, settings) if settings else {}
        refused = tuple((tidy(shown(r.name)), tidy(r.reason)) for r in catalog.refused(root))
        state = catalog.folder_state(root)
    passed: Counter[str] = Counter()
    for reasons in attempts.values():
        for reason, n in reasons.items():
            kind, _, text = reason.partition(": ")
            if kind in _PASSED_OVER:
                passed[tidy(text)] += n
    data = _data(root, photos, refused, state.split_note if state else "")
    changed = {r.pair_id for r in read_rulings(path).values() if r.held != "accept"}
    return CatalogFacts(data, dict(passed.most_common()), examples(pairs, photos, changed))


def _pairs(catalog: Catalog, root: Path, counts: Mapping[str, int]) -> tuple[str, list[dict[str, Any]]]:
    """The newest pairs whose numbers by kind are those that the run told of."""
    for settings in reversed(catalog.pair_settings(root)):
        pairs = catalog.pairs(root, settings)
        if Counter(p["kind"] for p in pairs) == Counter(counts):
            return settings, pairs
    return "", []


def _data(root: Path, photos: Sequence[Photo], refused: tuple[tuple[str, str], ...], split: str) -> Data:
    splits = Counter(p.split for p in photos)
    lots = {p.record.lot for p in photos if p.record is not None and p.record.lot}
    recorded = sum(1 for p in photos if p.record is not None)
    return Data(
        tidy(str(root)), len(photos), len(refused), splits["train"], splits["held_out"], recorded, len(lots),
        tidy(split), refused,
    )  # fmt: skip


def examples(
    pairs: Sequence[dict[str, Any]], photos: Sequence[Photo], changed: Collection[str] = ()
) -> tuple[PairExample, ...]:
    """A few of each kind, in the order of their hashes: nobody picked them.

    changed: pairs that people changed, so that what was built is not what was trained on.
    """
    by_sha = {p.sha256: p for p in photos}
    known = [p for p in pairs if p["photo"] in by_sha and p["pair_id"] not in changed]
    found: list[PairExample] = []
    for kind, most in _EXAMPLES.items():
        some = sorted((p for p in known if p["kind"] == kind), key=lambda p: str(p["pair_id"]))
        found += [_example(p, by_sha) for p in some[:most]]
    return tuple(found)


def _example(pair: Mapping[str, Any], photos: Mapping[str, Photo]) -> PairExample:
    photo, neighbour, how = photos[pair["photo"]], photos.get(pair["retrieved"]), pair["provenance"]
    chosen, rejected = marked(tidy(pair["chosen"]), tidy(pair["rejected"]))
    return PairExample(
        pair["kind"], tidy(shown(photo.name)), photo.sha256, photo.path,
        tidy(shown(neighbour.name)) if neighbour else "", neighbour.sha256 if neighbour else "",
        neighbour.path if neighbour else None, float(how.get("photo_similarity", 0.0)), tidy(pair["prompt"]),
        tidy(how.get("masked", "")), chosen, rejected,
    )  # fmt: skip
