"""`realign-edge index` and `realign-edge similar`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, hush_libraries, print_json, progress_for
from realign_edge.progress import Progress, Silent

if TYPE_CHECKING:
    from realign_edge.retrieval.folder import IndexedFolder

Model = Annotated[str, typer.Option(help="Name or folder of the model whose eyes are used.")]


def index(
    photos: Annotated[Path, typer.Argument(help="Folder of photos.")],
    model: Model = "nano",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build or update the index of similar photos.

    Example:  realign-edge index ./photos
    """
    opened = _open(photos, model, progress_for(quiet))
    found, built = opened.found, opened.index
    about = {
        "photos": len(found.photos),
        "refused": [{"name": r.name, "reason": r.reason} for r in found.refused],
        "indexed": len(built),
        "recall_at_10": built.manifest.recall_at_10,
        "exact_search": built.exact,
    }
    if as_json:
        print_json(about)
    else:
        typer.echo(
            f"{len(built)} photos indexed, {len(found.refused)} refused, recall@10 {built.manifest.recall_at_10:.3f}"
        )
        for refused in found.refused:
            typer.echo(f"refused: {refused.name}: {refused.reason}", err=True)


def similar(
    photo: Annotated[Path, typer.Argument(help="The photo to compare.")],
    within: Annotated[Path, typer.Option(help="Folder of past photos.")] = Path(),
    count: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 5,
    model: Model = "nano",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show similar past photos with their records.

    Example:  realign-edge similar ./new.jpg --within ./photos
    """
    from realign_edge.errors import MissingError
    from realign_edge.photos.decode import Refusal, read_photo
    from realign_edge.retrieval.policy import RetrievalSettings

    try:
        image = read_photo(photo)
    except Refusal as refusal:
        raise MissingError(f"{photo} cannot be used: {refusal}", "name a photo that can be read") from refusal
    opened = _open(within, model, Silent() if quiet or as_json else progress_for(quiet))
    found, built, vlm = opened.found, opened.index, opened.vlm
    by_sha = {p.sha256: p for p in found.photos}
    rows = built.nearest(vlm.see(vlm.look(image)).pooled[RetrievalSettings().pooling].numpy(), count)
    if as_json:
        print_json({"photo": str(photo), "similar": [_row(by_sha[s], similarity) for s, similarity in rows]})
        return
    for sha, similarity in rows:
        row = _row(by_sha[sha], similarity)
        typer.echo(f"{similarity:.3f}  {row['name']}\n       {row['note'] or '(no record)'}")


def _row(photo: Any, similarity: float) -> dict[str, Any]:
    record = photo.record
    return {
        "name": photo.name,
        "similarity": round(similarity, 4),
        "note": record.note if record else "",
        "part": record.part if record else "",
        "defects": list(record.defects) if record else [],
    }


def _open(photos: Path, model: str, progress: Progress) -> "IndexedFolder":
    from realign_edge.home import home
    from realign_edge.retrieval.folder import open_indexed

    hush_libraries()
    return open_indexed(home(), photos, model, progress)
