"""transformers' own processors, for photos alone.

Many families' processors take videos as well, and their video parts need torchvision, which nothing here uses.
"""

from pathlib import Path
from typing import Any

from realign_edge.errors import MissingError

_VIDEO = "video_processor"


def load_processor(folder: Path, model_type: str) -> Any:
    """The processor of a checkpoint, with the Pillow image processor.

    Raises:
        MissingError: its files are missing or damaged.
    """
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES  # type: ignore[attr-defined]

    try:
        kind = photos_only(getattr(transformers, PROCESSOR_MAPPING_NAMES[model_type]))
        return kind.from_pretrained(folder, local_files_only=True, backend="pil")
    except (OSError, ValueError, KeyError, TypeError, ImportError) as problem:
        raise MissingError(
            f"{folder}: the processor cannot be loaded: {problem}", "copy the model with its processor files"
        ) from problem


def photos_only(kind: Any) -> Any:
    """The processor class without a video part; everything else is as it was."""
    parts = [part for part in kind.get_attributes() if part != _VIDEO]
    if len(parts) == len(kind.get_attributes()):
        return kind
    return type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda _: list(parts)), _VIDEO: None})
