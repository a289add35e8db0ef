"""A longer hunt: inputs of the corpus are changed, and those that reach new lines of ours are changed further.

    python -m tests.fuzz.campaign --seconds 600 [--only NAME] [--seed 0]

Each target gets an equal share of the time. A finding is written to `findings/NAME-SHA` below --out; an input that
reached new lines goes into the corpus (up to 12 a target, 4 KiB each). Exit code 1: something was found.
"""

import argparse
import hashlib
import random
import resource
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.targets import TARGETS, attack

CORPUS = Path(__file__).with_name("corpus")
_OURS = str(Path(__file__).parents[2] / "realign_edge")
_MOST_KEPT, _LARGEST_KEPT, _SLOW_S = 12, 4096, 10.0
_WORDS = (b"[" * 2000, b'{"a":', b"\x00", b"\xff\xfe", b"\x1b[2J", b"-1", b"1e999", b"9" * 5000, b"NaN", b"null",
          b'""',
          b"{% for i in range(9) %}", b"{{ x }}", b"{% endfor %}", b"| join", b"namespace(x=1)", b"../", b"\n", b",",
          b'"',
          b"\xed\xa0\x80", "傷がない".encode(), b"no scratch", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff")  # fmt: skip


def corpus(name: str) -> list[bytes]:
    """The inputs that are kept of a target."""
    return [p.read_bytes() for p in sorted((CORPUS / name).glob("*"))]


def changed(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """A few changes of one input: bits, bytes, words, cuts, repeats, a part of another."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(made) + 1)
        end = min(len(made), at + chance.choice((1, 2, 8, 64, 512)))
        what = chance.randrange(7)
        if what == 0 and at < len(made):
            made[at] ^= 1 << chance.randrange(8)
        elif what == 1 and at < len(made):
            made[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif what == 2:
            made[at:at] = chance.choice(_WORDS)
        elif what == 3:
            del made[at:end]
        elif what == 4:
            made[at:at] = made[at:end] * chance.choice((1, 3, 50))
        elif what == 5:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            made[at:end] = other[start : start + chance.choice((4, 32, 256))]
        else:
            made[at:end] = bytes(chance.randrange(256) for _ in range(end - at))
    return bytes(made[:200_000])


def reached(name: str, data: bytes, seen: set[tuple[str, int]]) -> int:
    """Run one input; how many lines of ours it was the first to reach."""
    before = len(seen)

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def entered(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(_OURS) else None

    sys.settrace(entered)
    try:
        attack(name, data)
    finally:
        sys.settrace(None)
    return len(seen) - before


def hunt(name: str, seconds: float, seed: int, out: Path) -> tuple[int, int, int]:
    """Inputs tried, inputs kept, findings."""
    chance, seen = random.Random(f"{seed} {name}"), set[tuple[str, int]]()
    pool = corpus(name) or [b""]
    tried = kept = found = 0
    end = time.monotonic() + seconds
    queue = list(pool)
    while time.monotonic() < end:
        data = queue.pop() if queue else changed(chance.choice(pool), pool, chance)
        out.mkdir(parents=True, exist_ok=True)
        # Should the process itself end, this is what ended it.
        (out / "in-hand").write_bytes(data)
        began = time.process_time()
        try:
            new = reached(name, data, seen)
            if (took := time.process_time() - began) > _SLOW_S:
                raise TimeoutError(f"it took {took:.0f} s")
        except Exception:
            found, new = found + 1, 0
            path = out / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            print(f"FOUND {path}\n{traceback.format_exc()}", flush=True)
        tried += 1
        if new and tried > len(pool):
            pool.append(data)
            if len(data) <= _LARGEST_KEPT and len(corpus(name)) < _MOST_KEPT:
                (CORPUS / name).mkdir(parents=True, exist_ok=True)
                (CORPUS / name / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
                kept += 1
    return tried, kept, found


def main() -> int:
    """Hunt through all targets, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(TARGETS), action="append")
    parser.add_argument("--out", type=Path, default=Path("findings"))
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    names = given.only or list(TARGETS)
    total = [0, 0, 0]
    for name in names:
        tried, kept, found = hunt(name, given.seconds / len(names), given.seed, given.out)
        total = [a + b for a, b in zip(total, (tried, kept, found), strict=True)]
        print(f"{name:<18} {tried:>8} inputs  {kept:>3} kept  {found:>3} found", flush=True)
    print(f"{'in all':<18} {total[0]:>8} inputs  {total[1]:>3} kept  {total[2]:>3} found in {given.seconds:.0f} s")
    return int(total[2] > 0)


if __name__ == "__main__":
    sys.exit(main())
