"""Which photos train and which are held out: whole lots or serials, so that near-duplicates never straddle."""

from collections import Counter
from collections.abc import Mapping, Sequence

from realign_edge.files import fingerprint
from realign_edge.photos.model import InspectionRecord, Split

MIN_LOTS = 8
_HELD_OUT_WORDS = frozenset(("held_out", "held-out", "heldout", "test", "val", "validation", "eval"))


def assign_splits(
    records: Mapping[str, InspectionRecord | None],
    explicit: Mapping[str, str],
    held_out_share: float,
    seed: int,
) -> tuple[dict[str, Split], str]:
    """Split photos (name to record), and say in a few words how.

    A `split` column wins. Otherwise photos of one serial always stay together, photos of one lot too
    where there are at least MIN_LOTS lots; groups are held out in the order of a seeded hash until
    `held_out_share` of the photos is reached.
    """
    names = sorted(records)
    if explicit and all(name in explicit for name in names):
        return {
            n: "held_out" if explicit[n].lower() in _HELD_OUT_WORDS else "train" for n in names
        }, "by the split column"
    lots = {r.lot for r in records.values() if r is not None and r.lot}
    by_lot = len(lots) >= MIN_LOTS
    groups = _groups([(n, _keys(n, records[n], by_lot)) for n in names])
    order = sorted(set(groups.values()), key=lambda g: fingerprint(seed, g))
    sizes = Counter(groups.values())
    held_out: set[str] = set()
    target = held_out_share * len(names)
    for group in order:
        if sum(sizes[g] for g in held_out) + sizes[group] / 2 > target:
            break
        held_out.add(group)
    how = "by lot" if by_lot else "by serial" if any(r and r.serial for r in records.values()) else "photo by photo"
    return {n: "held_out" if groups[n] in held_out else "train" for n in names}, how


def _keys(name: str, record: InspectionRecord | None, by_lot: bool) -> list[str]:
    keys = [f"photo:{name}"]
    if record is not None and record.serial:
        keys.append(f"serial:{record.serial}")
    if record is not None and by_lot and record.lot:
        keys.append(f"lot:{record.lot}")
    return keys


def _groups(items: Sequence[tuple[str, list[str]]]) -> dict[str, str]:
    """Union-find over shared keys: every photo gets the smallest key of its group."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for _, keys in items:
        for key in keys[1:]:
            a, b = sorted((root(keys[0]), root(key)))
            parent[b] = a
    return {name: root(keys[0]) for name, keys in items}
