"""The inspection report of a station's results file, from the file to the files: for the command and the window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from realign_edge.progress import Progress
from realign_edge.reports.inspection import Wanted, inspection_report
from realign_edge.reports.model import InspectionReport
from realign_edge.reports.pictures import StationPictures
from realign_edge.reports.thresholds import thresholds
from realign_edge.reports.write import Output, write_inspection
from realign_edge.results.store import Results


@dataclass(frozen=True)
class Made:
    """What was written. problems: how many the chain's verification found."""

    report: InspectionReport
    problems: int
    files: Sequence[Path]


def report_results(path: Path, home: Path, output: Output, wanted: Wanted, shown: Progress) -> Made:
    """Read, verify and write; the pictures of `output` are those of the station that the file lies in, else of `home`.

    Raises:
        RealignError: the results cannot be read, or a filter makes no sense.
        OSError: a file cannot be written.
    """
    # A backup lies elsewhere than the thumbnails and bundles that its rows speak of.
    beside = path.resolve().parent
    folder = beside if (beside / "thumbnails").is_dir() else home
    shown.start("Reading the results", 0, "rows")
    with Results.read(path) as results:
        problems = results.verify()
        found = inspection_report(results.entries(), wanted, partial(thresholds, folder), len(problems))
    shown.finish(f"{len(found.rows)} photos, {len(found.refused)} refused files")
    output = replace(output, find=StationPictures(folder))
    done: list[str] = []
    shown.start("Writing the report", len(output.formats), "forms")

    def tell(name: str) -> None:
        shown.advance(len(done))
        done.append(name)

    files = write_inspection(found, output, tell)
    shown.finish(", ".join(output.formats))
    return Made(found, len(problems), files)
