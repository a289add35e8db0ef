"""`rules.toml`: how a verdict comes about, in rules that a quality engineer can read and change.

The rules are asked in order, and the first one that applies decides; every other one that applies is named as well.
"""

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realign_edge.config.load import load_config
from realign_edge.errors import MissingError, UsageError
from realign_edge.results.model import Reason, Verdict
from realign_edge.station.evidence.evidence import Evidence
from realign_edge.station.judging.causes import CONDITIONS, Values, When

DEFAULT = Path(__file__).with_name("rules.toml")
# What must not be taken out of a rule file: without them a photo could pass that nobody knows anything about.
_KEPT: tuple[When, ...] = ("unfamiliar", "unfinished", "weakly_grounded", "defect")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. when: a condition of judging/causes.py; en, ja: the sentence, with the condition's values in braces.

    at: a threshold of its own instead of the calibrated one; defects, parts: only for these (empty: for all).
    """

    name: str
    when: When
    verdict: Verdict
    en: str
    ja: str
    at: float | None = None
    defects: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        allowed = CONDITIONS[self.when].values
        for sentence in (self.en, self.ja):
            for _, name, spec, conversion in string.Formatter().parse(sentence):
                if name is not None and (name not in allowed or spec or conversion):
                    known = ", ".join(f"{{{n}}}" for n in allowed) or "none"
                    raise ValueError(f"{self.name}: {{{name}}} is no value of `{self.when}` (it has: {known})")
        if self.at is not None and not CONDITIONS[self.when].threshold:
            raise ValueError(f"{self.name}: `{self.when}` has no threshold, so `at` means nothing")
        if self.when == "unfamiliar" and self.at is not None and not -1 < self.at <= 1:
            raise ValueError(f"{self.name}: no photo is less familiar than -1, so `at` must lie between -1 and 1")
        if self.defects and "defect" not in allowed:
            raise ValueError(f"{self.name}: `{self.when}` is about no single defect, so `defects` means nothing")


@dataclass(frozen=True)
class Rules:
    """A rule file. The last rule is `always`, so that every photo gets a verdict."""

    rule: tuple[Rule, ...]
    version: int = 1

    def __post_init__(self) -> None:
        if self.version != 1:
            raise ValueError("version must be 1")
        if not self.rule or self.rule[-1].when != "always":
            raise ValueError("the last rule must be `always`")
        if any(rule.verdict == "PASS" for rule in self.rule[:-1]):
            raise ValueError("only the last rule may say PASS: what speaks against a part is asked before")
        names = [rule.name for rule in self.rule]
        if len(set(names)) < len(names):
            raise ValueError("two rules have the same name")
        if self.rule[-1].verdict == "PASS":
            for when in _KEPT:
                if not any(r.when == when and not r.defects and not r.parts for r in self.rule):
                    raise ValueError(f"without a rule for `{when}` (for all parts and defects) photos pass unseen")

    def check_thresholds(self, thresholds: Mapping[str, float]) -> None:
        """Is there a number for every rule that needs one?

        Raises:
            MissingError: a rule's threshold was never calibrated.
        """
        needed = {CONDITIONS[r.when].threshold for r in self.rule if r.at is None} - {""}
        if missing := sorted(needed - thresholds.keys()):
            raise MissingError(
                f"the bundle has no threshold for {', '.join(missing)}",
                "export the bundle again with held-out photos, or give the rule its own number (`at`)",
            )


def load_rules(path: Path) -> Rules:
    """Read a rule file.

    Raises:
        UsageError: with every problem of the file.
    """
    rules = load_config(Rules, path)
    if path.stat().st_size > 1_000_000:
        raise UsageError(f"{path} is longer than any rule file", "keep it to rules")
    return rules


def judge(
    evidence: Evidence,
    rules: Rules,
    thresholds: Mapping[str, float],
    language: Literal["en", "ja"],
    names: Mapping[str, str] | None = None,
) -> tuple[Verdict, tuple[Reason, ...]]:
    """The verdict of the first rule that applies, and the reasons: of that rule first, then of all others.

    names: what the glossary's terms are called in sentences of this language, where not by themselves.
    """
    verdict: Verdict | None = None
    reasons: list[Reason] = []
    for rule in rules.rule:
        causes = [] if rule.when == "always" and reasons else list(_causes(rule, evidence, thresholds))
        if causes and verdict is None:
            verdict = rule.verdict
        sentence: str = getattr(rule, language)
        reasons += [Reason(rule.name, sentence.format_map(_named(values, names or {}))) for values in causes]
    assert verdict is not None, "the last rule always applies"
    return verdict, tuple(reasons)


def _named(values: Values, names: Mapping[str, str]) -> Values:
    return {key: ", ".join(names.get(v, v) for v in value.split(", ")) for key, value in values.items()}


def _causes(rule: Rule, evidence: Evidence, thresholds: Mapping[str, float]) -> Iterable[Values]:
    if rule.parts and evidence.part not in rule.parts:
        return
    condition = CONDITIONS[rule.when]
    at = rule.at if rule.at is not None else thresholds.get(condition.threshold, 0.0)
    for values in condition.ask(evidence, at):
        if not rule.defects or values["defect"] in rule.defects:
            yield values
