"""Words of the command line as queries, decisions and heads."""

from datetime import UTC, datetime, time, timedelta
from typing import cast

from realign_edge.errors import MissingError, UsageError
from realign_edge.photos.text import clean
from realign_edge.results.head import Head
from realign_edge.results.model import Decision, Disposition, Entry, Verdict
from realign_edge.results.query import Query

_VERDICTS = ("PASS", "FAIL", "REVIEW")
_DECISIONS = ("agree", "overrule", "retake")


def query(verdict: str, lot: str, since: str, until: str, review: bool, last: int) -> Query:
    """The options of `results list`.

    Raises:
        UsageError: a verdict or a time makes no sense.
    """
    wanted = verdict.upper()
    if wanted and wanted not in _VERDICTS:
        raise UsageError(f"unknown verdict `{verdict}`", f"verdicts: {', '.join(_VERDICTS)}")
    return Query(
        verdict=cast(Verdict, wanted) if wanted else None,
        lot=lot or None,
        since=_moment(since, "since", False) if since else None,
        until=_moment(until, "until", True) if until else None,
        review=review,
        newest=last,
    )


def _moment(text: str, option: str, whole_day: bool) -> str:
    """A day or a time of this machine as the rows have it, in UTC; the end of the day where all of it is meant."""
    try:
        found = datetime.fromisoformat(text)
        if whole_day and len(text) == len("2026-04-01"):
            found = datetime.combine(found.date() + timedelta(days=1), time())
        return found.astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        raise UsageError(f"`{text}` is no day or time", f"write --{option} as 2026-04-01 or 2026-04-01T14:30") from None


def head_from(text: str) -> Head:
    """NUMBER:HASH.

    Raises:
        UsageError: it is not.
    """
    number, _, digest = text.strip().partition(":")
    digest = digest.strip().lower()
    if not number.isascii() or not number.isdigit() or len(digest) < 8 or set(digest) - set("0123456789abcdef"):
        raise UsageError(f"`{text}` is no head", "write it as a report has it, NUMBER:HASH, at least 8 digits of it")
    return Head(int(number), digest)


def disposition(
    number: int,
    about: Entry | None,
    decision: str,
    operator: str,
    verdict: str,
    reason: str,
    note: str,
    part: str,
    defects: str,
    locations: str,
) -> Disposition:
    """What the command line says; whether it fits the row is checked when it is written.

    Raises:
        UsageError: a word is unknown.
        MissingError: there is no such row.
    """
    if about is None:
        raise MissingError(f"there is no row {number}", "`realign-edge results list` shows the numbers")
    if decision not in _DECISIONS:
        raise UsageError(f"unknown decision `{decision}`", f"decisions: {', '.join(_DECISIONS)}")
    if verdict.upper() not in ("", "PASS", "FAIL"):
        raise UsageError(f"unknown verdict `{verdict}`", "a person says PASS or FAIL")
    return Disposition(
        entry=number,
        sha256="" if isinstance(about.content, Disposition) else about.content.sha256,
        decision=cast(Decision, decision),
        operator=clean(operator),
        decided_at=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=cast(Verdict, verdict.upper()),
        reason=clean(reason),
        note=clean(note),
        part=clean(part),
        defects=tuple(filter(None, map(clean, defects.split(";")))),
        locations=tuple(map(clean, locations.split(";"))) if locations else (),
    )
