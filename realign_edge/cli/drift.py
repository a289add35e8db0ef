"""`realign-edge drift`: do the photos still look like those that the model was aligned on?"""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, print_json


def drift(
    last: Annotated[int, typer.Option(min=20, help="How many of the newest photos are compared.")] = 200,
    bundle: Annotated[Path | None, typer.Option(help="Folder of a bundle, instead of the installed one.")] = None,
    where: Annotated[Path | None, typer.Option("--results", help="A results file, instead of this station's.")] = None,
    lang: Annotated[str, typer.Option(help="en or ja; the bundle's language without it.")] = "",
    as_json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001
) -> None:
    """Say whether the last photos still look like those that the model was aligned on, and when to align again.

    Familiarity is compared with that of the held-out photos (Mann-Whitney), the share of REVIEW with that of then
    (Fisher), the share of overruled verdicts with 5 % (binomial); one-sided, and corrected for looking again at every
    new window of --last photos. Photos of one lot are alike, which makes p too small: look at the photos before you
    act. Exit code 4: it drifts.

    Example:  realign-edge drift --last 500
    """
    from realign_edge.errors import ExitCode, UsageError
    from realign_edge.home import home
    from realign_edge.results.store import Results
    from realign_edge.station.drift.drift import DriftSettings
    from realign_edge.station.drift.input import bundle_facts, look, plain
    from realign_edge.station.drift.words import advice, sentence
    from realign_edge.station.find import find_bundle

    if lang not in ("", "en", "ja"):
        raise UsageError(f"unknown language `{lang}`", "languages: en, ja")
    facts = bundle_facts(find_bundle(home(), bundle))
    language: Any = lang or facts.language
    with Results.read(where or home()) as results:
        found = look(results, facts, DriftSettings(last=last))
    words, what_to_do = sentence(found, language), advice(found, language)
    if as_json:
        print_json({"bundle": facts.bundle_id, "sentence": words, "advice": list(what_to_do), **plain(found)})
    else:
        for line in (words, *what_to_do, *_figures(found, len(facts.baseline.familiarity), language)):
            typer.echo(line)
    if found.state == "drifting":
        raise typer.Exit(int(ExitCode.GATE))


def _figures(found: Any, held_out: int, language: str) -> list[str]:
    ja = language == "ja"
    now, then = found.medians
    names = ("類似度", "要確認", "覆された判定") if ja else ("familiarity", "REVIEW", "overruled")
    median = "中央値" if ja else "median"
    before = "調整時" if ja else "at alignment"
    share = _share(found.review), _share(found.review_then), _share(found.overruled)
    return [
        f"  {names[0]}  {median} {now:.3f} (n = {found.photos}); {_p(found.p)}",
        f"    {before} {then:.3f} (n = {held_out})",
        f"  {names[1]}  {share[0]}; {_p(found.p_review)}",
        f"    {before} {share[1]}",
        f"  {names[2]}  {share[2]}; {_p(found.p_overruled)}",
    ]


def _p(p: float) -> str:
    return "p < 0.0001" if p < 0.0001 else "p -" if math.isnan(p) else f"p = {p:.4f}"


def _share(interval: Any) -> str:
    if not interval.n:
        return "- (n = 0)"
    return f"{100 * interval.value:.1f} % ({100 * interval.low:.1f}-{100 * interval.high:.1f}, n = {interval.n})"
