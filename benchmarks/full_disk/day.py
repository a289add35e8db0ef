"""Everything that an appliance writes in its life, command after command: what the disk is full for."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.appliance_storm.stages import Place, stages
from benchmarks.full_disk.bundles import install_another
from realign_edge.bundle.keys import read_public
from realign_edge.files import write_json

PERSON = "Mori"
# Of the model that is carried here: any text does.
LICENCE = Path(__file__).parents[2] / "LICENSE"


@dataclass(frozen=True, slots=True)
class Step:
    """A command. typed: what a person types; watching: it ends when it is asked to; arrange: what is put in place
    before it; forgiven: what it may do without when the disk is full; removes: it takes files away.
    """

    name: str
    words: tuple[str, ...]
    typed: str = ""
    watching: bool = False
    arrange: Callable[[Place], None] | None = None
    forgiven: tuple[str, ...] = ()
    removes: bool = False


def day(place: Place) -> Iterator[Step]:
    """In their order: each works with what those before it made."""
    usual = {s.name: Step(s.name, s.words, watching=s.watching) for s in stages(place)}
    for name in ("index", "pairs", "training", "evaluation", "export"):
        yield usual[name]
    yield from _people_of_the_workstation(place)
    yield usual["install"]
    watch = usual["inspect"]
    # A report does without a picture; what must not be lost is the row.
    yield Step("inspect", watch.words, watching=True, forgiven=("thumbnails",))
    yield Step("photos", ("inspect", str(place.floor / "photos"), "--quiet"), forgiven=("thumbnails",))
    yield from _people_of_the_station(place)
    yield usual["report"]
    yield Step("run report", ("report", "latest", "--out", str(place.root / "run-reports"), "--quiet"))
    yield from _rest(place)
    yield usual["maintain"]
    yield Step("refresh", ("maintain", "run", "--only", "index", "--quiet"), arrange=_without_index)
    yield Step("prune", ("runs", "prune", "--keep", "0", "--yes", "--quiet"), removes=True)
    yield usual["restore"]
    yield Step("rollback", ("bundle", "rollback", "--quiet"), arrange=_a_second_bundle)
    yield Step("bundle prune", ("bundle", "prune", "--keep", "1", "--quiet"), arrange=_a_third_bundle, removes=True)
    key = read_public(place.root / "new.pub").id
    yield Step("revoke", ("bundle", "keys", "revoke", key, "--quiet"), removes=True)


def _people_of_the_workstation(place: Place) -> Iterator[Step]:
    review = ("pairs", "review", str(place.floor), "--reviewer", PERSON, "--plain", "--lang", "en")
    yield Step("review", review, typed="a\n" * 500)
    blind = ("runs", "blind-test", "latest", "--person", PERSON, "--plain", "--lang", "en")
    yield Step("blind test", blind, typed="t\n" * 50, arrange=_different_answers)
    words = ("pairs", "export", str(place.floor), str(place.root / "pairs.jsonl"))
    yield Step("pair file", words, arrange=_log_taken_in)


def _people_of_the_station(place: Place) -> Iterator[Step]:
    yield Step("decide", ("results", "decide", "1", "retake", "--operator", PERSON, "--quiet"))
    asked = ("results", "review", "--operator", PERSON, "--plain", "--lang", "en", "--quiet")
    yield Step("answers", asked, typed="p\n" * 60)
    target, photos = place.root / "corrections", place.incoming / "done"
    yield Step("corrections", ("results", "export", str(target), "--photos", str(photos), "--quiet"))
    yield Step("copy", ("results", "backup", str(place.root / "copy.sqlite"), "--quiet"))


def _rest(place: Place) -> Iterator[Step]:
    yield Step("import", ("pairs", "import", str(place.floor), str(place.root / "pairs.jsonl")))
    model = ("models", "add", str(place.floor.parent / "tiny"), "--name", "carried", "--licence", str(LICENCE))
    yield Step("model", (*model, "--quiet"))
    yield Step("demo", ("demo", str(place.root / "demo"), "--photos", "8", "--workers", "1", "--quiet"))
    yield Step("new key", ("bundle", "keys", "new", "--yes", "--quiet"))
    trust = ("bundle", "keys", "trust", str(place.root / "new.pub"), "--quiet")
    yield Step("trust", trust, arrange=_public_key_apart)


def _log_taken_in(place: Place) -> None:
    """A log of SQLite's that the command would take in and delete is room that it finds."""
    with closing(sqlite3.connect(place.home / "catalog.sqlite")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _different_answers(place: Place) -> None:
    """So that there is something to choose between."""
    path = next(place.home.glob("runs/2*/answers.json"))
    value = json.loads(path.read_bytes())
    for row in value["answers"]:
        row["after"] = f"{row['before']} No defects found."
    write_json(path, value)


def _public_key_apart(place: Place) -> None:
    """What a person carries over; bundles that are there stay signed by the key of then."""
    shutil.copyfile(place.home / "keys" / "workstation.pub", place.root / "new.pub")


def _a_second_bundle(place: Place) -> None:
    install_another(place, "second")


def _a_third_bundle(place: Place) -> None:
    """So that one is neither active nor the one before."""
    install_another(place, "third")


def _without_index(place: Place) -> None:
    """Caches, which may be deleted; the upkeep makes them anew."""
    for name in ("index", "features"):
        shutil.rmtree(place.home / name)


def typed_file(work: Path, step: Step) -> Path:
    """What is typed, as a file."""
    path = work / "typed.txt"
    path.write_text(step.typed, encoding="utf-8")
    return path
