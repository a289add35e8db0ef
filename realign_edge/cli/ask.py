"""`realign-edge ask`: one question about one photo."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.inspect import Bundle, Threads, open_inspector
from realign_edge.cli.options import Json, Quiet, print_json, say


def ask(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    question: Annotated[str, typer.Argument(help="The question, in the language that the model was aligned in.")],
    bundle: Bundle = None,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask one question about a photo, and see what speaks for the answer.

    Example:  realign-edge ask ./part.jpg "Where is the scratch?"
    """
    from dataclasses import asdict

    import numpy as np

    from realign_edge.appliance.load import appliance
    from realign_edge.errors import MissingError, UsageError
    from realign_edge.photos.decode import Refusal, read_photo
    from realign_edge.photos.text import clean
    from realign_edge.station.inspecting.asking import ask as reply_to

    if not question.strip():
        raise UsageError("there is no question", 'write one: realign-edge ask PHOTO "Where is the scratch?"')
    try:
        inspector = open_inspector(bundle, threads or appliance().inspect.threads)
        reply = reply_to(inspector, np.asarray(read_photo(photo)), question)
    except Refusal as refusal:
        raise MissingError(f"{photo} cannot be used: {refusal}", "name a photo that can be read") from refusal
    if as_json:
        print_json({"photo": str(photo), "question": question, **asdict(reply)})
        return
    # Whatever a model says, it does not speak to the terminal.
    typer.echo(clean(reply.answer))
    for line in _evidence(reply):
        typer.echo(line)
    for warning in reply.warnings:
        say(f"note: {warning}", quiet)


def _evidence(reply: Any) -> list[str]:
    """What speaks for the answer, in lines for people."""
    from realign_edge.photos.text import clean

    against = "a blank picture" if reply.reference == "blank" else f"the past photo {clean(reply.reference)}"
    lines = [
        "",
        f"confidence   {reply.confidence:.2f}  (1 = certain of every word)",
        f"grounding   {reply.grounding:+.2f}  nats a word, against {against}",
        f"familiarity  {reply.familiarity:.2f}  (mean similarity of the {len(reply.neighbours)} nearest past photos)",
        "",
        "similar past photos",
    ]
    for n in reply.neighbours:
        lines += [f"  {n.similarity:.3f}  {clean(n.name)}", f"         {clean(n.note) or '(no record)'}"]
    return lines
