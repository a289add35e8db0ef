"""The same facts as lines: for a screen reader, a log, a terminal that cannot move its cursor."""

from collections.abc import Iterator
from time import localtime, strftime

from realign_edge.language import Language
from realign_edge.monitoring.model import Answer, Curve, Machine, News, RunView, SampleView, StageView, Told
from realign_edge.monitoring.words import clock_time, duration, joined, known, percent, told, written

# The figures of a summary, in this order; the others are in the window and in the report.
_FIGURES = ("loss", "text_accuracy", "visual_accuracy", "chosen_change")
_RECENT = 5


class PlainLines:
    """Turns one look after another into the lines that are new. every_s: between two summaries, in the run's time."""

    def __init__(self, language: Language, every_s: float = 30.0) -> None:
        self._language, self._every_s = language, every_s
        self._news_at, self._sentence, self._summed_at = -1.0, "", 0.0
        self._sample: tuple[str, int] = ("", -1)
        self._told: set[str] = set()
        self._first = True

    def lines(self, view: RunView, last: bool = False) -> list[str]:
        """What is to be said behind this look; last: it is the last one, so everything is summed up."""
        found = [*(head_lines(view) if self._first else [])]
        news = self._news(view)
        behind = [*self._problems(view), *self._condition(view), *self._shown_sample(view)]
        if self._first or last or view.time - self._summed_at >= self._every_s:
            self._summed_at = view.time
            behind += summary_lines(view, whole=self._first or last)
        self._first = False
        stamped = [(view.time, line) for line in found]
        stamped += [(item.time, item.words) for item in news]
        stamped += [(view.time, line) for line in behind if line]
        return [f"{strftime('%H:%M:%S', localtime(t))} {line.of(self._language)}" for t, line in stamped]

    def _news(self, view: RunView) -> list[News]:
        """At first only the last ones, and every warning."""
        new = [n for n in view.news if n.time > self._news_at]
        self._news_at = max([self._news_at, *(n.time for n in new)])
        if not self._first:
            return new
        warned = [News(w.time, told("news.warning", message=w.words)) for w in view.warnings if w.time is not None]
        known_already = {w.words for w in warned}
        rest = [n for n in new if n.words not in known_already][-_RECENT:]
        return sorted(warned + rest, key=lambda n: n.time)

    def _problems(self, view: RunView) -> list[Told]:
        """Each kind once: how far the reading of a long log is would be told at every look."""
        now = (*view.problems, *(w.words for w in view.warnings if w.time is None))
        new = [p for p in now if _kind(p) not in self._told]
        self._told |= {_kind(p) for p in new}
        return new

    def _condition(self, view: RunView) -> list[Told]:
        """Where it has changed; "about 40 s left" changes at every look, and is no news."""
        found = view.condition
        changed = found.rule.removesuffix("_left") if found.level == "ok" else found.sentence.en
        if _kind(Told(changed, "")) == self._sentence:
            return []
        self._sentence = _kind(Told(changed, ""))
        return [found.sentence, told("plain.advice", advice=found.advice)] if found.advice else [found.sentence]

    def _shown_sample(self, view: RunView) -> list[Told]:
        sample = view.sample
        if sample is None or (sample.name, sample.step) == self._sample:
            return []
        self._sample = (sample.name, sample.step)
        return sample_lines(sample)


def _kind(words: Told) -> str:
    return "".join(c for c in words.en if not c.isdigit())


def head_lines(view: RunView) -> list[Told]:
    """Which run this is."""
    found = [told("plain.run", run=view.run_id, model=view.model or "–", photos=view.photos or "–")]
    return found if view.replay is None else [*found, told("plain.replay", speed=f"{view.replay:g}")]


def summary_lines(view: RunView, whole: bool) -> list[Told]:
    """How it stands, in a line; whole: every stage, the figures and the machine in lines of their own."""
    now = view.stage
    parts = [*_stage_parts(now)] if now is not None else []
    figures = [*_figure_parts(view)]
    around = [*_machine_parts(view.machine), *_age_parts(view)]
    if not whole:
        return [joined(parts + figures + around)]
    stages = [joined([*_stage_parts(s)]) for s in view.stages]
    return [*stages, *(joined(line) for line in (figures, around) if line)]


def _stage_parts(stage: StageView) -> Iterator[Told]:
    about = {"stage": stage.title, "done": stage.done, "total": stage.total, "unit": stage.unit}
    if stage.total and stage.unit:
        yield told("plain.stage", **about)
    elif stage.done and stage.unit:
        yield told("plain.stage_open", **about)
    if not (stage.total and stage.unit) or stage.state != "running":
        state = known("stage_state", stage.state)
        yield state if stage.total and stage.unit else told("plain.stage_bare", stage=stage.title, state=state)
    if stage.rate:
        slow = stage.rate < 0.95
        rate = f"{stage.rate * 60:.1f}" if slow else f"{stage.rate:.1f}"
        yield told("plain.rate_slow" if slow else "plain.rate", rate=rate, unit=stage.unit)
    if stage.seconds_left is not None and stage.ends_at is not None:
        yield told("plain.left", left=duration(stage.seconds_left), clock=clock_time(stage.ends_at))
    if stage.took_s is not None and stage.state == "done":
        yield duration(stage.took_s)


def _figure_parts(view: RunView) -> Iterator[Told]:
    for name in _FIGURES:
        curve = next((c for c in view.curves if c.name == name), None)
        if curve is not None and curve.last is not None:
            yield _figure(curve, curve.last)
    if view.pairs_per_s and view.state == "running":
        yield told("plain.pace", pairs=f"{view.pairs_per_s:.1f}")


def _figure(curve: Curve, last: float) -> Told:
    value = written(last, curve.unit)
    if curve.last_held_out is None:
        return told("plain.figure", curve=curve.title, value=value)
    return told("plain.figure_held", curve=curve.title, value=value, held=written(curve.last_held_out, curve.unit))


def _machine_parts(machine: Machine | None) -> Iterator[Told]:
    if machine is None:
        return
    if machine.cpu_share is not None:
        yield told("plain.cpu", share=percent(machine.cpu_share))
    if machine.memory_used_gib is not None and machine.memory_total_gib is not None:
        used, total = f"{machine.memory_used_gib:.1f}", f"{machine.memory_total_gib:.1f}"
        yield told("plain.memory", used=used, total=total)
    if machine.temperature_c is not None:
        yield told("plain.degrees", degrees=f"{machine.temperature_c:.0f}")
    for gpu in machine.gpus:
        if gpu.memory_used_gib is not None and gpu.memory_total_gib is not None:
            share = percent(gpu.share) if gpu.share is not None else "–"
            yield told("plain.gpu", share=share, used=f"{gpu.memory_used_gib:.1f}", total=f"{gpu.memory_total_gib:.1f}")
        if gpu.temperature_c is not None:
            yield told("plain.degrees", degrees=f"{gpu.temperature_c:.0f}")
        if gpu.power_w is not None:
            yield told("plain.watts", watts=f"{gpu.power_w:.0f}")
    if machine.disk_free_gib is not None:
        yield told("plain.disk", free=f"{machine.disk_free_gib:.1f}")


def _age_parts(view: RunView) -> Iterator[Told]:
    if view.checkpoint_step is not None and view.checkpoint_age_s is not None:
        yield told("plain.checkpoint", step=view.checkpoint_step, age=duration(view.checkpoint_age_s))
    if view.news_age_s is not None and view.state in ("running", "paused"):
        yield told("plain.news_age", age=duration(view.news_age_s))


def sample_lines(sample: SampleView) -> list[Told]:
    """One photo: the question, the record, both answers with what is not in the photo."""
    found = [told("plain.sample", step=sample.step, name=sample.name, question=sample.question)]
    if sample.record:
        found.append(told("plain.record", text=sample.record))
    return [*found, *(_answer(name, a, sample.record) for name, a in (("before", sample.before), ("now", sample.now)))]


def _answer(name: str, answer: Answer, record: str) -> Told:
    said = told(f"plain.{name}", text=answer.text)
    judged = []
    if answer.absent:
        judged.append(told("plain.absent", terms=_listed(answer.absent)))
    if answer.missed:
        judged.append(told("plain.missed", terms=_listed(answer.missed)))
    if not judged and record:
        judged.append(told("plain.nothing_missed"))
    verdict = joined(judged)
    return Told(f"{said.en} ({verdict.en})", f"{said.ja}（{verdict.ja}）") if judged else said


def _listed(terms: tuple[str, ...]) -> Told:
    return joined([Told(term, term) for term in terms])
