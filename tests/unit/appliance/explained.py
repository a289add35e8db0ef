"""What each part of the guide's last chapter must explain: everything that is not well, in the program's own words.

A `name` is quoted whole, a sentence by pieces of it, with `…` where values stand.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from os import strerror
from typing import get_args

from realign_edge import errors
from realign_edge.appliance.doctor.model import Name
from realign_edge.appliance.upkeep.duties import CHECKED, DUTIES
from realign_edge.bundle.errors import Kind as Wrong
from realign_edge.cli import doctor, maintain
from realign_edge.errors import ExitCode
from realign_edge.language import Language
from realign_edge.monitoring import condition
from realign_edge.monitoring.words import sections
from realign_edge.photos import regular
from realign_edge.preferences.gate import DEFAULT_ENCODER, doubts
from realign_edge.station.drift import words as drift
from realign_edge.station.judging.rules import DEFAULT, load_rules
from realign_edge.station.watching.events import Kind
from tests.unit.printed import PROGRAM, calls, may_say, shape

# Endings of a run, and words at its end, that are no warnings.
_GOOD = ("adopted", "finished_until")
_ADOPT = "Adopt: "


@dataclass(frozen=True)
class Part:
    names: set[str] = field(default_factory=set)
    sentences: set[str] = field(default_factory=set)


def sayings(*rooms: str, of: tuple[str, ...], at: int = 0) -> set[str]:
    """What these calls may say in their argument number `at`, as far as it has words of its own."""
    found = [(c.args[at], m) for c, m in calls(*rooms, of=of) if len(c.args) > at]
    return {text for node, module in found for text in may_say(node, module) if any(map(str.isalpha, text))}


def verdict(language: Language) -> Part:
    rules = [rule for rule in load_rules(DEFAULT).rule if rule.verdict != "PASS"]
    return Part(sentences={shape(getattr(rule, language)) for rule in rules})


def watcher(_: Language) -> Part:
    """A line of the log is `kind  name  words`; that of a verdict has the verdict in its place."""
    found = set()
    for call, module in calls("station/watching", "cli/watching.py", of=("Event",)):
        given = [k.value for k in call.keywords if k.arg == "words"] or call.args[3:4]
        words = [text for node in given for text in may_say(node, module) if text] or ["{}"]
        kinds = {kind for kind in may_say(call.args[0], module) if kind != "inspected"}
        found |= {f"{kind} {{}} {text}" for kind in kinds for text in words}
    # What is handed on was said elsewhere.
    found = found - {"trouble {} {}"} | {
        f"trouble {{}} {text}" for text in sayings("station/arriving/about.py", of=("tell",))
    }
    assert {text.split()[0] for text in found} == {*get_args(Kind)} - {"inspected"}
    return Part(sentences=found)


def refused(_: Language) -> Part:
    return Part(sentences=sayings("photos", "station", of=("Refusal",)) | set(regular._WHY.values()))


def examined(_: Language) -> Part:
    return Part(names={*get_args(Name), *(sign for sign, _ in doctor._SIGNS.values())})


def upkeep(language: Language) -> Part:
    said = sayings("appliance/upkeep", of=("RealignError", "MissingError", "UsageError"))
    said |= sayings("cli/maintain.py", of=("MissingError",)) | set(drift._SIGNS[language].values())
    return Part({*DUTIES, *CHECKED, *maintain._SIGNS.values()}, said)


def chain(_: Language) -> Part:
    rows = sayings("results/chain.py", "results/verify.py", of=("Problem",), at=1)
    told = {text for text in sayings("cli/results.py", of=("say",)) if "results.head" in text}
    return Part(sentences=rows | told | sayings("results/store.py", of=("RealignError",)))


def run(language: Language) -> Part:
    rules = (*condition.ENDED, *condition.TROUBLES, condition.PAUSED)
    states = {shape(sections(language)["condition"][rule.name]) for rule in rules if rule.name not in _GOOD}
    ended = sayings("evaluation/compare.py", of=("Decision",), at=1)
    noted = sayings("alignment", "photos", "pipeline", of=("warn",)) | set(doubts(DEFAULT_ENCODER, "ja"))
    return Part(sentences={text for text in states | ended | noted if not text.startswith(_ADOPT)})


def bundle(_: Language) -> Part:
    kinds = ("BundleError", "UntrustedKeyError", "RealignError", "MissingError")
    said = sayings("bundle", "station/find.py", of=kinds) | sayings("bundle/trust.py", of=("UsageError",))
    return Part({f"{kind}: …" for kind in get_args(Wrong)}, said)


def installation(_: Language) -> Part:
    script = (PROGRAM.parent / "deploy" / "install.sh").read_text(encoding="utf-8")
    said = {re.sub(r"\$\(.*?\)|\$\w+", "{}", text) for text in re.findall(r'fail "(.*?)"(?= |$)', script, re.M)}
    return Part(sentences=said - {"{}"})


def ends(_: Language) -> Part:
    system = {strerror(number) for number in errors._SYSTEM}
    busy = sayings("runs/lock.py", of=("BusyError",))
    database = sayings("photos/database.py", of=("RealignError", "MissingError"))
    ours = sayings("cli/failures.py", of=("_tell",))
    return Part({str(int(code)) for code in ExitCode}, system | busy | database | ours)


# In the order of the chapter.
PARTS: tuple[Callable[[Language], Part], ...] = (
    verdict, watcher, refused, examined, upkeep, chain, bundle, installation, run, ends,
)  # fmt: skip
