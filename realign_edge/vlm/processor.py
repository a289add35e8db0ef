"""transformers' own processors, for photos alone.

Many families' processors take videos as well, and their video parts need torchvision, which nothing here uses.
"""

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from realign_edge.errors import MissingError

_VIDEO = "video_processor"
# SmolVLM2's chat template asks it how many frames a video has, also where there is none.
_NO_VIDEOS = SimpleNamespace(num_frames=None, fps=None)


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
    own: dict[str, Any] = {"get_attributes": classmethod(lambda _: list(parts)), _VIDEO: _NO_VIDEOS}
    if inspect.signature(kind.__init__).parameters[_VIDEO].default is inspect.Parameter.empty:
        own["_get_arguments_from_pretrained"] = _with_nothing_at(kind.get_attributes().index(_VIDEO), kind)
    return type(kind.__name__, (kind,), own)


def _with_nothing_at(place: int, kind: Any) -> Any:
    """For an `__init__` that must be given a video part: None in its place."""

    def arguments(cls: Any, *given: Any, **named: Any) -> list[Any]:
        found = list(kind._get_arguments_from_pretrained.__func__(cls, *given, **named))
        return [*found[:place], None, *found[place:]]

    return classmethod(arguments)
