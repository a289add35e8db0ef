"""The machine and the run's pulse: speed, processor, memory, temperature, disk, last checkpoint, last event."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from realign_edge.monitoring.model import Gpu, Machine, RunView
from tui.dashboard.still import Still
from tui.dashboard.telling import age, bar, gibs, rate
from tui.frame.plain import as_text
from tui.words import Words

# Rows from which on all is told, and cells from which on a bar is one.
_LONG, _LEAST_BAR = 6, 8


@dataclass(frozen=True)
class Fact:
    """A label and what is known. share: drawn as a bar where there is room; alarming: with a sign."""

    label: str
    value: str
    share: float | None = None
    alarming: bool = False


def facts(view: RunView, words: Words, short: bool) -> list[Fact]:
    """From above to below. short: five rows, of what matters most."""
    found = [Fact(words("dashboard.speed"), _speed(view, words, short))]
    if view.machine is not None:
        found += _short_machine(view.machine, words) if short else _machine(view.machine, words)
    found.append(Fact(words("dashboard.checkpoint"), _checkpoint(view, words, short)))
    if view.news_age_s is not None:
        quiet = "silent" in (view.condition.rule, *(warned.rule for warned in view.warnings))
        key = "dashboard.no_news" if quiet else "dashboard.ago"
        since = age(words, view.news_age_s)
        found.append(Fact(words("dashboard.news"), words(key, time=since), alarming=quiet))
    return found


def _speed(view: RunView, words: Words, short: bool) -> str:
    if view.state == "running" and view.pairs_per_s is not None:
        told = view.tokens_per_s is not None and not short
        tokens = words("dashboard.tokens", rate=rate(view.tokens_per_s)) if told else ""
        return words("dashboard.pairs", rate=rate(view.pairs_per_s)) + tokens
    stage = view.stage
    if view.state == "running" and stage is not None and stage.rate is not None:
        return words("dashboard.rate", rate=rate(stage.rate), unit=stage.unit.of(words.language))
    return words("common.nothing")


def _checkpoint(view: RunView, words: Words, short: bool) -> str:
    if view.checkpoint_age_s is None:
        return words("dashboard.no_checkpoint")
    ago = words("dashboard.ago", time=age(words, view.checkpoint_age_s))
    if not view.checkpoint_step:
        return ago
    return words(
        "dashboard.step_age_short" if short else "dashboard.step_age", step=f"{view.checkpoint_step:,}", age=ago
    )


def _machine(machine: Machine, words: Words) -> Iterator[Fact]:
    for number, gpu in enumerate(machine.gpus):
        yield from _gpu(gpu, number if len(machine.gpus) > 1 else None, words)
    if machine.cpu_share is not None:
        cores = words("dashboard.of_cores", n=machine.cores) if machine.cores else ""
        heat = _degrees(machine.temperature_c)
        yield Fact(words("dashboard.cpu"), f"{_percent(machine.cpu_share)}{cores}{heat}", machine.cpu_share)
    if machine.memory_used_gib is not None:
        own = words("dashboard.own_memory", own=gibs(machine.process_gib)) if machine.process_gib is not None else ""
        used, total = machine.memory_used_gib, machine.memory_total_gib
        yield Fact(words("dashboard.memory"), _of(used, total, words) + own, _share(used, total))
    yield from _disk(machine, words, "")


def _gpu(gpu: Gpu, number: int | None, words: Words) -> Iterator[Fact]:
    label = words("dashboard.gpu") + ("" if number is None else f" {number}")
    power = f"  {gpu.power_w:.0f} W" if gpu.power_w is not None else ""
    told = f"{_percent(gpu.share)}{_degrees(gpu.temperature_c)}{power}".strip()
    yield Fact(label, told or gpu.name, gpu.share)
    if gpu.memory_used_gib is not None:
        used, total = gpu.memory_used_gib, gpu.memory_total_gib
        yield Fact(words("dashboard.gpu_memory"), _of(used, total, words), _share(used, total))


def _short_machine(machine: Machine, words: Words) -> Iterator[Fact]:
    """The busiest GPU, or the processor, with its memory in one row; the disk."""
    gpu = max(machine.gpus, key=lambda gpu: gpu.share or 0.0, default=None)
    if gpu is not None:
        power = f" {gpu.power_w:.0f} W" if gpu.power_w is not None else ""
        memory = f" {gibs(gpu.memory_used_gib)}/{gibs(gpu.memory_total_gib)}G" if gpu.memory_used_gib else ""
        heat = f" {gpu.temperature_c:.0f}°" if gpu.temperature_c is not None else ""
        yield Fact(words("dashboard.gpu"), f"{_percent(gpu.share)}{memory}{heat}{power}".strip() or gpu.name)
    elif machine.cpu_share is not None:
        memory = f"  {gibs(machine.memory_used_gib)}/{gibs(machine.memory_total_gib)} GiB"
        yield Fact(words("dashboard.cpu"), _percent(machine.cpu_share) + memory)
    yield from _disk(machine, words, "_short")


def _disk(machine: Machine, words: Words, short: str) -> Iterator[Fact]:
    free, total = machine.disk_free_gib, machine.disk_total_gib
    if free is not None:
        told = words(f"dashboard.free{short}", gib=gibs(free))
        yield Fact(words(f"dashboard.disk{short}"), told, 1 - free / total if total else None)


def _percent(share: float | None) -> str:
    return f"{share * 100:.0f}%" if share is not None else ""


def _degrees(celsius: float | None) -> str:
    return f"  {celsius:.0f} °C" if celsius is not None else ""


def _of(used: float, total: float | None, words: Words) -> str:
    return words("dashboard.of_gib", used=gibs(used), total=gibs(total))


def _share(used: float, total: float | None) -> float | None:
    return used / total if total else None


def machine_text(found: Sequence[Fact], width: int, colours: Mapping[str, str], bars: bool) -> Text:
    """A row each: label, value, and a bar where there is room for it and they are wanted."""
    labels = max((cell_len(fact.label) for fact in found), default=0)
    values = max((cell_len(fact.value) for fact in found if fact.share is not None), default=0)
    room = min(width - labels - values - 4, 24)
    text = Text()
    for number, fact in enumerate(found):
        text.append("\n" if number else "")
        text.append(fact.label + " " * (labels - cell_len(fact.label) + 2), style="dim")
        if fact.alarming:
            text.append(f"! {fact.value}", style=f"bold {colours.get('warning', '')}")
            continue
        text.append(fact.value)
        if bars and room >= _LEAST_BAR and fact.share is not None:
            done, left = bar(fact.share, room)
            text.append(" " * (values - cell_len(fact.value) + 2) + done, style=colours.get("secondary", ""))
            text.append(left, style="dim")
    return text


class MachinePanel(Still):
    """A panel of those facts."""

    _told: tuple[RunView, Words] | None = None

    def on_resize(self) -> None:
        """For the new room."""
        self._show()

    def tell(self, view: RunView, words: Words) -> None:
        """The facts of this look."""
        self._told = view, words
        self.border_title = words("dashboard.machine")
        gpus = view.machine.gpus if view.machine else ()
        self.border_subtitle = as_text(gpus[0].name if gpus else "")
        self._show()

    def _show(self) -> None:
        size = self.content_size
        if self._told is not None and size.area:
            short = size.height < _LONG
            found = facts(*self._told, short)
            self.put(machine_text(found, size.width, self.app.theme_variables, bars=not short))
