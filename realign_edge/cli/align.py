"""`realign-edge align`: the main job, end to end."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.attach import attach, begin, print_detached
from realign_edge.cli.options import Json, Language, Quiet, hush_libraries, print_json, progress_for
from realign_edge.cli.window import Images, Lang, Plain, Theme, has_windows, is_terminal, look_of


def align(
    photos: Annotated[Path, typer.Argument(help="Folder of photos, with inspection records if there are any.")],
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    model: Annotated[str | None, typer.Option(help="Name or folder of the model [default: nano].")] = None,
    teacher: Annotated[str | None, typer.Option(help="A stronger model that writes the true notes.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings to start from: nano, paper, workstation, gpu-24gb and others.")
    ] = None,
    objective: Annotated[
        str | None, typer.Option(help="sft, dpo, dpo-anchored, rdpo, rdpo-anchored, rdpo-symmetric.")
    ] = None,
    language: Language = None,
    seed: Annotated[int | None, typer.Option(help="Seed of training.")] = None,
    until: Annotated[str, typer.Option(help="Stop after: index, pairs, train, evaluate, export.")] = "export",
    resume: Annotated[str | None, typer.Option(help="Go on with this run; `latest` for the newest.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Go on by itself when the terminal is closed.")] = False,
    plain: Plain = False,
    lang: Lang = None,
    theme: Theme = None,
    image_mode: Images = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Align the model to a folder of photos: index, pairs, training, evaluation, export.

    On a terminal it opens the dashboard, and the work goes on when that is left. Started again with the same
    inputs it goes on where it was, and skips what is done. `accelerate launch
    -m realign_edge align ./photos` works with several GPUs or machines; it then exits with 0 also where the
    result is not recommended, since the launcher takes any other code for a crash.

    Example:  realign-edge align ./photos
    """
    from realign_edge.appliance.load import align_values
    from realign_edge.errors import ExitCode, UsageError
    from realign_edge.home import home
    from realign_edge.noticeboard import place
    from realign_edge.pipeline.align import Pipeline
    from realign_edge.pipeline.config import resolve
    from realign_edge.pipeline.stages import STAGES
    from realign_edge.progress import Silent
    from realign_edge.runs.lock import card_lock, work_lock
    from realign_edge.runs.run import find_run
    from realign_edge.runs.signals import stop_on_signals
    from realign_edge.team import assemble

    if until not in STAGES:
        raise UsageError(f"unknown stage `{until}`", f"stages: {', '.join(STAGES)}")
    if detach and place()[1] > 1:
        raise UsageError("--detach is for a single process", "start the launcher itself with `setsid nohup ... &`")
    look = look_of(lang, theme, image_mode)
    windowed = not (detach or plain or as_json or quiet) and place()[1] == 1 and is_terminal() and has_windows()
    if detach or windowed:
        names = ("config", "model", "teacher", "preset", "objective", "language", "seed")
        chosen = dict(zip(names, (config, model, teacher, preset, objective, language, seed), strict=True))
        begun = begin(photos, {**chosen, "until": until, "resume": resume}, quiet)
        if windowed:
            attach(begun, look)
        else:
            print_detached(begun, as_json)
        return
    typed: dict[str, Any] = {"model": model, "preset": preset, "language": language}
    typed |= {"alignment.objective": objective, "alignment.seed": seed}
    if teacher is not None:
        typed |= {"pairs.teacher": teacher, "pairs.chosen": "teacher"}
    settings = resolve(config, {k: v for k, v in typed.items() if v is not None}, align_values())
    hush_libraries()
    team, last = assemble(settings.device), next(s for s in STAGES if s == until)
    if not team.first:
        with stop_on_signals() as stopping:
            Pipeline(settings, home(), Silent(), stopping, team).run(photos, last)
        return
    what = f"realign-edge align {photos}"
    with work_lock(home() / "work.lock", what), card_lock(settings.device, what), stop_on_signals() as stopping:
        pipeline = Pipeline(settings, home(), progress_for(quiet, plain), stopping, team)
        outcome = pipeline.run(photos, last, find_run(home() / "runs", resume) if resume else None)
    if as_json:
        print_json(as_plain(outcome))
    else:
        from realign_edge.cli.summary import print_outcome

        print_outcome(outcome)
    adopted = bool((outcome.evaluation or {}).get("decision", {}).get("adopt"))
    if team.size == 1 and until in ("evaluate", "export") and not (adopted and not outcome.not_exported):
        raise typer.Exit(int(ExitCode.GATE))


def as_plain(outcome: Any) -> dict[str, Any]:
    """The outcome as one JSON object."""
    found = outcome.collection
    value: dict[str, Any] = {
        "run": outcome.run.run_id,
        "folder": str(outcome.run.folder),
        "photos": {
            "read": len(found.photos),
            "refused": [{"name": r.name, "reason": r.reason} for r in found.refused],
            "duplicates": found.duplicates,
            "train": len(found.of("train")),
            "held_out": len(found.of("held_out")),
            "split": found.split_note,
            "problems": list(found.problems),
        },
        "language": {"prompts": outcome.language.language, "why": outcome.language.why},
        "skipped": outcome.skipped,
        "seconds": round(outcome.seconds, 1),
    }
    if outcome.pairs is not None:
        built = outcome.pairs
        value["pairs"] = {
            "built": built.pairs,
            "without_note": built.without_note,
            "turned_down": built.neighbours_refused,
            "changed_by_review": dict(built.changed),
        }
    if outcome.evaluation is not None:
        value["evaluation"] = outcome.evaluation
    if outcome.bundle is not None:
        value["bundle"] = {"id": outcome.bundle.manifest.id, "folder": str(outcome.bundle.folder)}
    if outcome.not_exported:
        value["not_exported"] = outcome.not_exported
    return value
