"""What is killed: the commands of an appliance's day, in their order, and how many kills each gets in a lap."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Ends that are no failure: done, or done and the answer is no.
GOOD = (0, 4)
SETTINGS = """model = "{model}"
[pairs]
min_reference_gap = -1e9
[retrieval]
max_similarity = 1.0
[alignment]
steps = 10
max_epochs = 1e9
batch_pairs = 2
lora_rank = 2
checkpoint_every = 2
# The loss of the held-out pairs falls and rises again, so that it matters what a resumed run knows of it.
holdout_share = 0.34
learning_rate = 0.1
[evaluation]
resamples = 200
habit_photos = 2
max_photos = 3
[export]
precisions = ["fp32"]
parity_photos = 2
calibration_photos = 2
golden_photos = 1
"""
APPLIANCE = """[align]
model = "{model}"
[maintain]
index = ["{floor}"]
keep_backups = 1
keep_runs = 3
least_free_gib = 0.0
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lap works: everything that changes lies below `root`."""

    root: Path
    floor: Path
    config: Path
    appliance: Path

    @property
    def home(self) -> Path:
        """The state folder."""
        return self.root / "home"

    @property
    def incoming(self) -> Path:
        """The watched folder."""
        return self.root / "incoming"

    @property
    def reports(self) -> Path:
        """Where reports go."""
        return self.root / "reports"


@dataclass(frozen=True, slots=True)
class Stage:
    """kills: so many in a lap; words: the command; watching: it ends when it is asked to, with nothing left to do."""

    name: str
    kills: int
    words: tuple[str, ...]
    watching: bool = False


def stages(place: Place) -> Iterator[Stage]:
    """All of them; fifty kills."""
    align = ("align", str(place.floor), "--config", str(place.config), "--quiet", "--until")
    bundle, key = place.home / "runs" / "latest" / "bundle", place.home / "keys" / "workstation.pub"
    yield Stage("index", 5, (*align, "index"))
    yield Stage("pairs", 6, (*align, "pairs"))
    yield Stage("training", 9, (*align, "train"))
    yield Stage("evaluation", 2, (*align, "evaluate"))
    yield Stage("export", 6, (*align, "export"))
    yield Stage("install", 2, ("bundle", "install", str(bundle), "--trust", str(key), "--quiet"))
    watch = ("inspect", "--watch", str(place.incoming), "--done", "done", "--settle", "0", "--every", "0.1", "--json")
    yield Stage("inspect", 9, watch, watching=True)
    yield Stage("report", 4, ("report", "--out", str(place.reports), "--quiet"))
    # Of an earlier night: a backup that the next one takes away.
    yield Stage("backup", 0, ("maintain", "run", "--only", "backup", "--quiet"))
    yield Stage("maintain", 5, ("maintain", "run", "--quiet"))
    yield Stage("restore", 2, ("maintain", "restore", "latest", "--yes", "--quiet"))
