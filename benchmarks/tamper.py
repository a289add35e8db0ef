"""Single bytes changed at random in a real bundle: is each found, named, and found before anything is loaded?

A place is drawn first (`onnx/`, `index/`, `manifest.sig`, ...), a file in it second and a byte last, so that small
files (manifest, signature, rules) are hit as often as weights and thumbnails. Every change is put to `verify_bundle`,
some of them to `install`, whose self-test must not be reached. Importing a runtime ends the benchmark: nothing may be
loaded before the bundle is known to be whole.
"""

import argparse
import importlib.abc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from realign_edge.bundle.errors import BundleError
from realign_edge.bundle.install import install
from realign_edge.bundle.keys import read_public
from realign_edge.bundle.trust import TrustedKeys
from realign_edge.bundle.verify import verify_bundle

RUNTIMES = {"onnxruntime", "tokenizers", "torch", "transformers", "numpy", "PIL", "jinja2"}
SETTINGS = """
[alignment]
steps = 2
[evaluation]
resamples = 200
"""


class Trap(importlib.abc.MetaPathFinder):
    """Refuses to import what a bundle is loaded with."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """Raise where a runtime is asked for."""
        del path, target
        if fullname.partition(".")[0] in RUNTIMES:
            raise RuntimeError(f"{fullname} was imported before the bundle was verified")


def make_bundle(folder: Path) -> tuple[Path, Path]:
    """A bundle of the embedded model, aligned for two steps; the key file that belongs to it."""
    home, floor, config = folder / "home", folder / "floor", folder / "config.toml"
    config.write_text(SETTINGS, encoding="utf-8")
    executable = str(Path(sys.executable).with_name("realign-edge"))
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    subprocess.run([executable, "demo", str(floor), "--photos", "40", "--quiet"], check=True)
    words = [executable, "align", str(floor), "--config", str(config), "--quiet", "--json"]
    found = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=False)
    return Path(json.loads(found.stdout)["bundle"]["folder"]), home / "keys" / "workstation.pub"


def changed(path: Path, chance: random.Random) -> bytes:
    """Change one byte of a file in place; what it held before."""
    before = path.read_bytes()
    after = bytearray(before)
    after[chance.randrange(len(before))] ^= chance.randrange(1, 256)
    path.write_bytes(after)
    return before


def named(problem: BundleError, name: str) -> bool:
    """Does the failure name the file? A change of manifest.json shows in its signature."""
    told = {p.path for p in problem.problems}
    return bool(told & ({"manifest.sig"} if name.startswith("manifest.") else {name})) or name == "manifest.sig"


def never(_: Path) -> None:
    """A self-test that must not be reached."""
    raise RuntimeError("the bundle was loaded")


def tamper(bundle: Path, keys: TrustedKeys, changes: int, installs: int, seed: int) -> dict[str, Any]:
    """Counts of what was detected and named, by kind of file."""
    chance, places = random.Random(seed), dict[str, list[Path]]()
    for path in sorted(p for p in bundle.rglob("*") if p.is_file() and p.stat().st_size):
        places.setdefault(path.relative_to(bundle).parts[0], []).append(path)
    found: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=bundle.parent) as home:
        for number in range(changes):
            path = chance.choice(places[chance.choice(sorted(places))])
            name = path.relative_to(bundle).as_posix()
            kinds[name.partition("/")[0]] += 1
            before = changed(path, chance)
            try:
                if number < installs:
                    install(bundle, Path(home), keys, never)
                else:
                    verify_bundle(bundle, keys)
            except BundleError as problem:
                found["detected"] += 1
                found["named"] += named(problem, name)
            finally:
                path.write_bytes(before)
        left = [p.name for p in (Path(home) / "bundles").iterdir() if p.name != ".lock"]
    about = {
        "changes": changes,
        "of_them_installs": installs,
        "left_by_installs": left,
        "files": sum(map(len, places.values())),
    }
    return {**about, **found, "by_place": dict(kinds), "seconds": round(time.monotonic() - began, 1)}


def main() -> None:
    """Make a bundle or take one, change it, and report as JSON; exit code 1 where a change went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, help="a bundle to work on a copy of; without it one is made")
    parser.add_argument("--key", type=Path, help="its key file")
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--installs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tamper-") as name:
        bundle, key = (given.bundle, given.key) if given.bundle else make_bundle(Path(name))
        copy = Path(name) / "copy"
        subprocess.run(["cp", "-rL", str(bundle), str(copy)], check=True)
        keys = TrustedKeys((read_public(key),))
        assert not RUNTIMES & {*sys.modules}, "a runtime is loaded already"
        sys.meta_path.insert(0, Trap())
        manifest = verify_bundle(copy, keys)
        report = tamper(copy, keys, given.changes, given.installs, given.seed)
        verify_bundle(copy, keys)
    print(json.dumps({"bundle": manifest.id, "bytes": manifest.size, **report}))
    if not report["changes"] == report.get("detected") == report.get("named") or report["left_by_installs"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
