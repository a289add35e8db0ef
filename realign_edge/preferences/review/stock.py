"""What there is to review: the pairs of a folder with their photos, what speaks against each, and their order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from realign_edge.errors import MissingError
from realign_edge.glossary.derive import derive_glossary
from realign_edge.glossary.load import load_glossary
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.model import Photo
from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.review.doubts import Doubt, Doubter, worth
from realign_edge.preferences.review.order import Place, in_order


@dataclass(frozen=True)
class Stock:
    """Read once; what people decide comes on top. places: every pair, in the order to look at them."""

    catalog: Path
    root: Path
    pairs: Mapping[str, PreferencePair] = field(repr=False)
    photos: Mapping[str, Photo] = field(repr=False)
    doubts: Mapping[str, tuple[Doubt, ...]] = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)


def open_stock(catalog: Path, photos: Path) -> Stock:
    """The pairs last built of a folder of photos.

    Raises:
        MissingError: there are none.
    """
    root = photos.expanduser().resolve()
    if not catalog.is_file():
        raise MissingError(f"no pairs for {photos} yet", f"make them: realign-edge pairs build {photos}")
    with Catalog(catalog) as opened:
        settings = opened.pair_settings(root)
        if not settings:
            raise MissingError(f"no pairs for {photos} yet", f"make them: realign-edge pairs build {photos}")
        found = [PreferencePair.from_json(value) for value in opened.pairs(root, settings[-1])]
        by_sha = {p.sha256: p for p in opened.photos(root)}
        attempts = opened.attempted(root, settings[-1])
    glossary_file = root / "glossary.toml"
    records = (p.record for p in by_sha.values() if p.record is not None)
    glossary = load_glossary(glossary_file) if glossary_file.is_file() else derive_glossary(records)
    # A pair whose photo has left the folder cannot be looked at.
    pairs = {p.pair_id: p for p in found if p.photo in by_sha}
    doubter = Doubter(tuple(pairs.values()), by_sha, glossary, attempts)
    doubts = {pair_id: doubter.doubts(pair) for pair_id, pair in pairs.items()}
    places = in_order((pair_id, pair.photo, worth(doubts[pair_id])) for pair_id, pair in pairs.items())
    return Stock(catalog, root, pairs, by_sha, doubts, places)
