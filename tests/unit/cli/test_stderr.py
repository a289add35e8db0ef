"""A stderr that cannot be written to neither ends the work nor changes the exit code."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from realign_edge.cli.stderr import forgive_stderr
forgive_stderr()
for _ in range(3):
    print("ä" * 10000, file=sys.stderr)
print("data")
sys.exit(3)
"""


def test_a_full_or_closed_stderr_is_no_failure() -> None:
    for place in ("/dev/full", "/dev/null"):
        with Path(place).open("wb") as stderr:
            found = subprocess.run([sys.executable, "-c", SCRIPT], stderr=stderr, stdout=subprocess.PIPE, text=True)
        assert (found.returncode, found.stdout) == (3, "data\n")
    closed = subprocess.run(["/bin/sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, SCRIPT], stdout=subprocess.PIPE)
    assert (closed.returncode, closed.stdout) == (3, b"data\n")


def test_a_closed_stdout_is_no_failure_either() -> None:
    script = SCRIPT.replace("sys.exit(3)", "sys.exit(3 if not sys.stdout.isatty() else 4)")
    closed = subprocess.run(["/bin/sh", "-c", '"$0" -c "$1" >&-', sys.executable, script], stderr=subprocess.PIPE)
    assert closed.returncode == 3, closed.stderr[-300:]


def test_what_can_be_written_is_written_at_once_and_whole() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert found.stderr == ("ä" * 10000 + "\n") * 3
