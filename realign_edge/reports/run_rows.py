"""Facts, curves and sentences of an alignment report, the same in HTML and PDF."""

import math

from realign_edge.reports.alignment_model import AlignmentReport, Estimate, Result
from realign_edge.reports.curves import Series, curve
from realign_edge.reports.drawing import Drawing
from realign_edge.reports.language import Words
from realign_edge.reports.tidy import clipped

_MOST = 200
_DASH = (3.0, 2.0)
Facts = tuple[tuple[str, str], ...]


def head_facts(report: AlignmentReport, words: Words) -> Facts:
    """What the head says."""
    return (
        (words("heading.number"), report.number),
        (words("heading.site"), report.site or words("heading.none")),
        (words("heading.made"), f"{words.minute(report.made_at)} ({report.made_at:%Z})"),
        (words("settings.run"), report.run_id),
        (words("settings.created"), report.created or words("heading.none")),
        (words("settings.model"), clipped(report.model, _MOST)),
    )


def data_facts(report: AlignmentReport, words: Words) -> Facts:
    """The photos in numbers."""
    data = report.data
    split = f" ({words.said(data.split)})" if data.split else ""
    counted = [
        ("data.train", data.train, ""),
        ("data.held_out", data.held_out, split),
        ("data.records", data.recorded, ""),
        ("data.lots", data.lots, ""),
    ]
    return (
        (words("data.photos"), words.count(data.photos)),
        *((words(key), words.count(n) + more) for key, n, more in counted if n is not None),
        (words("data.refused"), words.count(data.refused_count)),
        (words("data.folder"), clipped(data.folder, _MOST)),
    )


def reasons(counts: object, words: Words) -> str:
    """`40 the same specimen, 2 a near-duplicate`; in Japanese the number stands behind."""
    assert isinstance(counts, dict)
    named = [(clipped(words.said(reason), 80), words.count(n)) for reason, n in counts.items()]
    if words.language == "ja":
        return "、".join(f"{reason} {n}" for reason, n in named) or words("pairs.none")
    return ", ".join(f"{n} {reason}" for reason, n in named) or words("pairs.none")


def charts(report: AlignmentReport, words: Words, width: float) -> list[Drawing]:
    """Loss, margins, accuracies, likelihood of the true notes: those that the run has values for."""
    training = report.training
    plans: tuple[tuple[str, tuple[tuple[str, str], ...], float, bool], ...] = (
        ("loss", (("loss", "loss_train"),), 1.0, False),
        ("margins", (("text_margin", "text_margin"), ("visual_margin", "visual_margin")), 1.0, True),
        ("accuracy", (("text_accuracy", "text_accuracy"), ("visual_accuracy", "visual_accuracy")), 100.0, False),
        ("chosen", (("chosen_change", "chosen_change"),), 1.0, True),
    )
    found = []
    for title, names, scale, zero in plans:
        series: list[Series] = []
        for i, (name, label) in enumerate(names):
            line = training.curves.get(name)
            if line is None:
                continue
            tone, dash = ("first", ()) if i == 0 else ("second", _DASH)
            series.append(Series(words(f"training.{label}"), _scaled(line.train, scale), tone, dash))  # type: ignore[arg-type]
            if line.held_out and len(names) == 1:
                held = _scaled(line.held_out, scale)
                series.append(Series(words("training.loss_held"), held, "second", _DASH, True))
        if series:
            found.append(curve(words(f"training.{title}"), series, words, width, training.best_step, zero))
    return found


def _scaled(points: tuple[tuple[float, float], ...], scale: float) -> tuple[tuple[float, float], ...]:
    return tuple((x, y * scale) for x, y in points)


def training_line(report: AlignmentReport, words: Words) -> str:
    """How long it took, and which step is used."""
    training = report.training
    if not training.steps:
        return words("training.none")
    time = words.duration(training.seconds) if training.seconds is not None else words("heading.none")
    parts = [words("training.duration", steps=words.count(training.steps), time=time)]
    if training.best_step is not None:
        parts.append(words("training.best", step=words.count(training.best_step)))
    line = ", ".join(parts) + ("。" if words.language == "ja" else ".")
    return f"{line} {words('training.ended')}" if training.ended_early else line


def verdict(report: AlignmentReport, words: Words) -> tuple[str, str, str]:
    """(`yes`, `no` or `none`; its words; the adoption sentence in the report's language)."""
    result = report.result
    if result is None:
        return "none", words("adopt.none"), words("result.none" if report.judged else "result.unfinished")
    state = "yes" if result.adopt else "no"
    return state, words(f"adopt.{state}"), sentence(result, words)


def sentence(result: Result, words: Words) -> str:
    """The run's own sentence in English; in Japanese, the same said from the same figures."""
    if words.language == "en":
        return result.sentence
    chair = next((f for f in result.figures if f.metric == "chair_i"), None)
    if chair is None or math.isnan(chair.before.value) or math.isnan(chair.after.value):
        return words("adopt.no_sentence")
    d = chair.difference
    said: dict[str, object] = {
        "before": words.percent(chair.before.value), "after": words.percent(chair.after.value),
        "change": words.points(d.value), "low": words.points(d.low), "high": words.points(d.high),
        "n": words.count(result.photos),
    }  # fmt: skip
    if result.adopt:
        return words("adopt.adopt_sentence", **said)
    known = words.strings["adopt"]
    why = words("adopt.separator").join(known.get(r, r) for r in result.reasons)
    return words("adopt.reject_sentence", why=why, **said)


def estimate(found: Estimate, words: Words) -> str:
    """11.3 % (8.1 – 14.9)."""
    if math.isnan(found.value):
        return words("heading.none")
    text = words.percent(found.value)
    return text if math.isnan(found.low) else f"{text} ({100 * found.low:.1f} – {100 * found.high:.1f})"


def change(found: Estimate, words: Words) -> str:
    """−5.1 (−7.8 – −2.7), in points."""
    text = words.points(found.value)
    if math.isnan(found.value) or math.isnan(found.low):
        return text
    return f"{text} ({words.points(found.low)}, {words.points(found.high)})"


def mcnemar(result: Result, words: Words) -> str:
    """p-values by kind of question; "" without any."""
    if not result.mcnemar:
        return ""
    known = words.strings["result"]
    values = ", ".join(f"{known.get(k, k)} p = {_p(p)}" for k, p in result.mcnemar.items())
    return words("result.mcnemar", values=values)


def changed(report: AlignmentReport, words: Words) -> str:
    """What people changed about the pairs; "" for nothing."""
    known = words.strings["reviewed"]
    named = {known.get(kind, kind): n for kind, n in report.changed_by_review.items() if n}
    return reasons(named, words) if named else ""


def preference(report: AlignmentReport, words: Words) -> tuple[str, ...]:
    """The blind preference test in sentences, the result first; () where nobody chose."""
    found = report.preference
    if found is None:
        return ()
    counts = {k: words.count(getattr(found, k)) for k in ("after", "decided", "tie", "bad", "identical", "people",
                                                          "choices", "shared", "agreed")}  # fmt: skip
    rate = found.win_rate
    win = words("result.preference_none")
    if found.decided:
        spread = f"{100 * rate.low:.0f} – {100 * rate.high:.0f} %"
        win = words("result.preference_win", rate=words.percent(rate.value, 0), spread=spread, p=_p(found.p), **counts)
        win += words(f"result.preference_{against_half(rate.low, rate.high)}")
    left = words.count(found.photos - found.identical - found.judged)
    said = [win, words("result.preference_rest", left=left, photos=words.count(found.photos), **counts)]
    return tuple(said + ([words("result.preference_agreed", **counts)] if found.shared else []))


def against_half(low: float, high: float) -> str:
    """Of a share against one half."""
    if low > 0.5:
        return "better"
    return "worse" if high < 0.5 else "same"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def limits(report: AlignmentReport, words: Words) -> tuple[str, ...]:
    """What the figures do not say."""
    n = words.count(report.result.photos if report.result else 0)
    names = ("photos", "records", "interval", "many", "words", "judge")
    return tuple(
        words(f"limits.{name}", n=n) if name == "interval" else words(f"limits.{name}")
        for name in names
        if report.result is not None or name not in ("interval", "many")
    )


def reproduction(report: AlignmentReport, words: Words) -> Facts:
    """What one needs to make the same again, and to know that it is the same."""
    libraries = ", ".join(f"{name} {version}" for name, version in report.libraries.items())
    return (
        (words("settings.run"), report.run_id),
        (words("settings.seed"), report.settings.get("alignment.seed", words("heading.none"))),
        (words("settings.objective"), report.settings.get("alignment.objective", words("heading.none"))),
        (words("settings.version"), report.version or words("heading.none")),
        (words("settings.state"), words.said(report.state)),
        *((words(f"settings.{name}"), value) for name, value in report.hashes.items()),
        (words("settings.libraries"), libraries or words("heading.none")),
    )
