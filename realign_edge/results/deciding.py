"""Writing down what a person decided, and noticing that somebody else did meanwhile."""

from pathlib import Path

from realign_edge.errors import RealignError, UsageError
from realign_edge.results.model import Disposition, Entry
from realign_edge.results.store import FILE, Results


class DecidedMeanwhile(RealignError):  # noqa: N818 - nothing failed
    """Somebody decided about the row after this person had looked at it. entry: the newest such decision."""

    def __init__(self, entry: Entry, said: Disposition) -> None:
        super().__init__(f"{said.operator} decided about it meanwhile: {said.decision} {said.verdict}".rstrip())
        self.entry, self.said = entry, said


def write_decision(path: Path, said: Disposition, seen: int = 0) -> Entry:
    """Append a decision to a station's results; both rows stay where two people decide, and the later one counts.

    path: the file, or the folder it lies in; seen: number of the newest decision that the person knew of.

    Raises:
        DecidedMeanwhile: there is a newer one; nothing was written. Asked again with its number, it is.
        UsageError: the decision does not fit the row, or the file is a copy.
        RealignError: the file cannot be written.
    """
    file = path / FILE if path.is_dir() else path
    if file.name != FILE:
        raise UsageError(f"{file.name} is a copy of the results", f"decide at the station itself, in its {FILE}")
    with Results.read(file) as results:
        known = results.decisions(said.entry)
    if known and known[-1].number > seen and isinstance(known[-1].content, Disposition):
        raise DecidedMeanwhile(known[-1], known[-1].content)
    with Results.open(file.parent) as results:
        return results.append(said)
