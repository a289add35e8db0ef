"""What is told of the blind test, in the reader's words: the same in the window and line by line."""

from rich.cells import cell_len

from realign_edge.evaluation.preference.result import PreferenceResult
from realign_edge.evaluation.preference.session import BlindSession, Question
from tui.words import Words


def progress_line(words: Words, session: BlindSession, question: Question) -> str:
    """How far it is; nothing of what was chosen."""
    said = [words("blind.progress", number=question.number, total=question.total)]
    if session.identical:
        said.append(words("blind.rest", identical=session.identical))
    return " · ".join(said)


def result_lines(words: Words, found: PreferenceResult, run: str) -> list[str]:
    """What everybody's choices add up to, with interval and n."""
    rate, win = found.win_rate, words("blind.result_none")
    if found.decided:
        figures = {
            "rate": f"{100 * rate.value:.0f} %",
            "low": f"{100 * rate.low:.0f}",
            "high": f"{100 * rate.high:.0f}",
        }
        win = words("blind.result_win", after=found.after, decided=found.decided, p=_p(found.p), **figures)
        outcome = "better" if rate.low > 0.5 else "worse" if rate.high < 0.5 else "same"
        win += (" " if words.language == "en" else "") + words(f"blind.result_{outcome}")
    people = {name: getattr(found, name) for name in ("people", "choices", "shared", "agreed")}
    told = words("blind.result_people", **people)
    if found.shared:
        told += (" " if words.language == "en" else "") + words("blind.result_agreed", **people)
    rest = words("blind.result_rest", left=found.photos - found.identical - found.judged)
    return [win, bars(words, found), rest, told, words("blind.result_where", run=run)]


def bars(words: Words, found: PreferenceResult, width: int = 30) -> str:
    """How many photos came to what, as bars with their numbers; as many lines as there are kinds."""
    names = ("after", "before", "tie", "bad", "identical")
    labels = [words(f"blind.bar_{name}") for name in names]
    counts = [int(getattr(found, name)) for name in names]
    wide = max(map(cell_len, labels))
    most = max(*counts, 1)
    return "\n".join(
        f"{label}{' ' * (wide - cell_len(label))}  {'█' * round(width * n / most)}{' ' if n else ''}{n}"
        for label, n in zip(labels, counts, strict=True)
    )


def end_lines(words: Words, session: BlindSession) -> list[str]:
    """What is told when there is nothing left to ask this person."""
    if not session.total:
        return [words("blind.nothing_to_ask")]
    return [words("blind.finished"), *result_lines(words, session.leave(), session.run.run_id)]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
