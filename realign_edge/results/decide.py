"""What a person may decide about an inspection, checked before it becomes a row."""

from realign_edge.errors import UsageError
from realign_edge.results.model import Disposition, Entry, Inspection

_LONGEST = 20_000


def check(said: Disposition, about: Entry | None) -> None:
    """Does it fit the row that it is about?

    A REVIEW is a question, so the answer names a verdict; an overruled verdict needs a reason; a FAIL needs a defect
    or a note, or the next alignment could learn nothing from it.

    Raises:
        UsageError: it does not; the hint says what is missing.
    """
    if about is None or not isinstance(about.content, Inspection):
        kind = "is no inspection" if about else "is not there"
        raise UsageError(f"row {said.entry} {kind}", "`realign-edge results list` shows the numbers")
    inspection = about.content
    if inspection.sha256 != said.sha256:
        raise UsageError(f"row {said.entry} is about another photo")
    if not said.operator.strip():
        raise UsageError("nobody is named who decides", "add --operator NAME")
    if max(map(len, (said.reason, said.note, said.part, *said.defects, *said.locations))) > _LONGEST:
        raise UsageError(f"a text is longer than {_LONGEST} characters")
    if len(said.locations) > len(said.defects):
        raise UsageError("there are more locations than defects", "give one location for each defect, in their order")
    {"agree": _agree, "overrule": _overrule, "retake": _retake}[said.decision](said, inspection)


def _agree(said: Disposition, inspection: Inspection) -> None:
    if inspection.verdict == "REVIEW":
        if said.verdict not in ("PASS", "FAIL"):
            raise UsageError(
                f"row {said.entry} is a REVIEW: the station asks for a verdict", "add --verdict PASS or --verdict FAIL"
            )
        _shown(said, inspection)
    elif said.verdict not in ("", inspection.verdict):
        raise UsageError(f"the station said {inspection.verdict}", f"to say {said.verdict}, use `overrule`")


def _overrule(said: Disposition, inspection: Inspection) -> None:
    if said.verdict not in ("PASS", "FAIL"):
        raise UsageError("no verdict is named", "add --verdict PASS or --verdict FAIL")
    if not said.reason.strip():
        raise UsageError("no reason is named", "add --reason, in words that the next shift understands")
    if said.verdict == inspection.verdict and not (said.defects or said.note):
        raise UsageError(
            f"the station said {said.verdict}, too", "say what it got wrong with --defects or --note, or use `agree`"
        )
    _shown(said, inspection if inspection.verdict == "REVIEW" else None)


def _retake(said: Disposition, _inspection: Inspection) -> None:
    if said.verdict:
        raise UsageError("a photo that is to be taken again has no verdict", "leave --verdict out")


def _shown(said: Disposition, inspection: Inspection | None) -> None:
    """A FAIL says what is to be seen."""
    claimed = inspection.findings if inspection is not None else ()
    if said.verdict == "FAIL" and not (said.defects or said.note or claimed):
        raise UsageError("a FAIL says what is to be seen", "add --defects, or --note")
    if said.verdict == "PASS" and said.defects:
        raise UsageError("a PASS has no defects", "leave --defects out, or use --verdict FAIL")
