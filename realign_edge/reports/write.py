"""A report in the forms that were asked for, each file whole or absent."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from realign_edge.errors import UsageError
from realign_edge.files import make_folder, write_atomic
from realign_edge.reports.alignment_model import AlignmentReport
from realign_edge.reports.language import words
from realign_edge.reports.model import InspectionReport, Language
from realign_edge.reports.pictures import Find, nothing_at_hand
from realign_edge.runs.leftovers import sweep_leftovers

FORMATS = ("html", "pdf", "csv", "json")
# At most how many inspected photos are shown as pictures in the HTML form; the PDF has a limit of its own.
MOST_PHOTOS = 400
Form = Callable[[], str | bytes]


@dataclass(frozen=True)
class Output:
    """Where reports go, in which forms and language, and with how many photos."""

    folder: Path
    formats: Sequence[str] = FORMATS
    language: Language = "en"
    photos: int = MOST_PHOTOS
    find: Find = field(default=nothing_at_hand)


def formats_of(text: str) -> tuple[str, ...]:
    """`html,pdf` as names.

    Raises:
        UsageError: one is unknown, or there is none.
    """
    found = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in found if name not in FORMATS]
    if unknown or not found:
        raise UsageError(f"unknown format `{', '.join(unknown) or text}`", f"formats: {','.join(FORMATS)}")
    return found


def write_inspection(report: InspectionReport, output: Output, made: Callable[[str], None] = print) -> list[Path]:
    """Write the files; `made` hears of each form before it is begun. Their paths."""
    from realign_edge.reports.html import inspection_html
    from realign_edge.reports.pdf.inspection import inspection_pdf
    from realign_edge.reports.plain import inspection_json
    from realign_edge.reports.sheet import inspection_csv

    found = words(output.language)
    forms: Mapping[str, Form] = {
        "html": lambda: inspection_html(report, found, output.find, output.photos),
        "pdf": lambda: inspection_pdf(report, found, output.find, output.photos),
        "csv": lambda: inspection_csv(report, found),
        "json": lambda: inspection_json(report),
    }
    return write_forms(report.heading.number, forms, output, made)


def write_alignment(report: AlignmentReport, output: Output, made: Callable[[str], None] = print) -> list[Path]:
    """The same for an alignment report."""
    from realign_edge.reports.pdf.alignment import alignment_pdf
    from realign_edge.reports.run_html import alignment_html
    from realign_edge.reports.run_plain import alignment_csv, alignment_json

    found = words(output.language)
    forms: Mapping[str, Form] = {
        "html": lambda: alignment_html(report, found),
        "pdf": lambda: alignment_pdf(report, found),
        "csv": lambda: alignment_csv(report, found),
        "json": lambda: alignment_json(report),
    }
    return write_forms(report.number, forms, output, made)


def write_forms(number: str, forms: Mapping[str, Form], output: Output, made: Callable[[str], None]) -> list[Path]:
    """Each form that was asked for, as `<number>-<language>.<form>`; the JSON form has no language."""
    sweep_leftovers(make_folder(output.folder))
    paths = []
    for name in output.formats:
        made(name)
        language = "" if name == "json" else f"-{output.language}"
        path = output.folder / f"{file_stem(number)}{language}.{name}"
        write_atomic(path, forms[name]())
        paths.append(path)
    return paths


def file_stem(number: str) -> str:
    """A report number as a file name: what could lead elsewhere, or means something to a shell, becomes `-`."""
    return re.sub(r"[^\w.-]+|^[.-]+", "-", number)[:100] or "report"
