"""`realign-edge index` and `realign-edge similar`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, hush_libraries, print_json, progress_for
from realign_edge.progress import Progress, Silent

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
    found, built, _, _ = _open(photos, model, progress_for(quiet))
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
    found, built, vlm, _ = _open(within, model, Silent() if quiet or as_json else progress_for(quiet))
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


def _open(photos: Path, model: str, progress: Progress) -> tuple[Any, Any, Any, Any]:
    """Collection, index over all its photos, model and features."""
    from realign_edge.files import fingerprint
    from realign_edge.home import home
    from realign_edge.photos.catalog import Catalog
    from realign_edge.photos.collection import PhotoSettings, open_collection
    from realign_edge.retrieval.index import open_index
    from realign_edge.retrieval.policy import RetrievalSettings
    from realign_edge.vlm.features import FeatureStore
    from realign_edge.vlm.load import load_vlm

    hush_libraries()
    with Catalog(home() / "catalog.sqlite") as catalog:
        found = open_collection(catalog, photos, PhotoSettings(), progress)
    vlm = load_vlm(model)
    store = FeatureStore(home() / "features", vlm)
    store.ensure(found.photos, progress)
    shas = tuple(sorted(p.sha256 for p in found.photos))
    folder = home() / "index" / fingerprint(vlm.vision_fingerprint, RetrievalSettings().pooling, str(found.root), "all")
    return found, open_index(folder, shas, store.vectors(shas, RetrievalSettings().pooling), progress), vlm, store
