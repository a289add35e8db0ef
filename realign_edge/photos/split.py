"""Which photos train and which are held out: whole lots or serials, so that near-duplicates never straddle."""

from collections import Counter
from collections.abc import Mapping, Sequence

from realign_edge.files import fingerprint
from realign_edge.photos.model import InspectionRecord, Split

MIN_LOTS = 8
# A specimen may be reworked in a second lot; a serial seen in more lots than that is a number within each lot.
MAX_LOTS_OF_A_SERIAL = 2

_Groups = dict[str, str]


def assign_splits(
    records: Mapping[str, InspectionRecord | None],
    explicit: Mapping[str, Split],
    held_out_share: float,
    seed: int,
) -> tuple[dict[str, Split], str]:
    """Split photos (name to record), and say in a few words how.

    What a record asks for (`explicit`) wins. Otherwise photos of one serial always stay together, photos
    of one lot too where there are at least MIN_LOTS lots; a group follows its explicit photos (held out if
    any of them is), and the rest is held out in the order of a seeded hash until `held_out_share` of the
    photos is reached: group by group while the share is missed by less with the group than without it.
    """
    lots = {r.lot for r in records.values() if r is not None and r.lot}
    by_lot = len(lots) >= MIN_LOTS
    local = _numbers_within_lots(records)
    groups = _groups([(n, _keys(n, records[n], by_lot, local)) for n in sorted(records)])
    asked = _asked(groups, explicit)
    held_out = {g for g, split in asked.items() if split == "held_out"}
    held_out |= _drawn(groups, asked, held_out_share * len(records), seed)
    splits: dict[str, Split] = {
        n: explicit.get(n, "held_out" if group in held_out else "train") for n, group in groups.items()
    }
    if len(explicit) == len(records):
        how = "by the split column"
    else:
        how = "by lot" if by_lot else "by serial" if any(r and r.serial for r in records.values()) else "photo by photo"
        how += _remarks(len(explicit), bool(local), len(set(groups.values())), splits)
    return splits, how + _torn(groups, splits)


def _keys(name: str, record: InspectionRecord | None, by_lot: bool, local: frozenset[str]) -> list[str]:
    keys = [f"photo:{name}"]
    if record is not None and record.serial:
        keys.append(f"serial:{record.lot}/{record.serial}" if record.serial in local else f"serial:{record.serial}")
    if record is not None and by_lot and record.lot:
        keys.append(f"lot:{record.lot}")
    return keys


def _numbers_within_lots(records: Mapping[str, InspectionRecord | None]) -> frozenset[str]:
    lots: dict[str, set[str]] = {}
    for record in records.values():
        if record is not None and record.serial and record.lot:
            lots.setdefault(record.serial, set()).add(record.lot)
    return frozenset(s for s, seen in lots.items() if len(seen) > MAX_LOTS_OF_A_SERIAL)


def _groups(items: Sequence[tuple[str, list[str]]]) -> _Groups:
    """Union-find over common keys: every photo gets the smallest key of its group."""
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


def _asked(groups: _Groups, explicit: Mapping[str, Split]) -> dict[str, Split]:
    asked: dict[str, Split] = {}
    for name, split in explicit.items():
        if asked.get(groups[name]) != "held_out":
            asked[groups[name]] = split
    return asked


def _drawn(groups: _Groups, asked: Mapping[str, Split], target: float, seed: int) -> set[str]:
    """Groups held out beyond what was asked for; at least one and not all, where there are two or more."""
    sizes = Counter(groups.values())
    free = sorted(set(sizes) - asked.keys(), key=lambda g: fingerprint(seed, g))
    held = sum(sizes[g] for g, split in asked.items() if split == "held_out")
    nothing_trains = "train" not in asked.values()
    drawn: set[str] = set()
    for group in free:
        if held + sizes[group] / 2 > target or (nothing_trains and len(drawn) + 1 == len(free)):
            break
        drawn.add(group)
        held += sizes[group]
    if not held and len(free) - nothing_trains > 0:
        drawn.add(min(free, key=lambda g: sizes[g]))
    return drawn


def _remarks(explicit: int, local: bool, groups: int, splits: Mapping[str, Split]) -> str:
    found = f", {explicit} photos by the split column" if explicit else ""
    if local:
        found += ", serials counted within each lot"
    if "held_out" not in splits.values():
        found += ", nothing held out: " + ("all photos belong together" if groups == 1 else "too few photos")
    return found


def _torn(groups: _Groups, splits: Mapping[str, Split]) -> str:
    sides: dict[str, set[Split]] = {}
    for name, group in groups.items():
        sides.setdefault(group, set()).add(splits[name])
    torn = sum(len(s) > 1 for s in sides.values())
    return f"; the split column tears {torn} lots or serials apart" if torn else ""
