"""The small files beside the graphs that other tools ask for, as on the hub."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from realign_edge.export.graphs.onnxfile import DATA
from realign_edge.files import made_beside, write_atomic, write_json
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.quirks import TEMPLATES

# Written anew from the loaded model and processor; what else the tokenizer saves is kept as well.
_CONFIG = "config.json"
# What ends each line of a photo's tiles, (hidden,) float32, in families that have such a vector.
NEWLINE = "image_newline.npy"


def write_hub_files(vlm: Vlm, folder: Path, graphs: Sequence[Path]) -> tuple[str, ...]:
    """Configuration, processor, tokenizer and chat template; graphs: the files written under `onnx/`.

    config.json says, for transformers.js, which graphs have their weights in a file of their own.
    Returns the names of the files, sorted.
    """
    with made_beside(folder / ".hub.tmp") as beside:
        model, processor = vlm.model, vlm.processor
        model.config.save_pretrained(beside)
        if getattr(model, "generation_config", None) is not None:
            model.generation_config.save_pretrained(beside)
        processor.save_pretrained(beside)
        if template := TEMPLATES.get(vlm.family.prompt_function):
            (beside / "chat_template.jinja").write_text(template, encoding="utf-8")
        write_json(beside / "preprocessor_config.json", _jsonable(processor.image_processor))
        _mark_external(beside / _CONFIG, graphs)
        if newline_of(vlm):
            (beside / NEWLINE).write_bytes(_array(vlm.model.model.image_newline))
        names = sorted(path.relative_to(beside).as_posix() for path in beside.rglob("*") if path.is_file())
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(folder / name, (beside / name).read_bytes())
    return tuple(names)


def _jsonable(processor: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(processor.to_json_string())
    return value


def _mark_external(config: Path, graphs: Sequence[Path]) -> None:
    about = json.loads(config.read_text(encoding="utf-8"))
    large = {path.name.removesuffix(DATA): 1 for path in graphs if path.name.endswith(DATA)}
    if large:
        about["transformers.js_config"] = {"use_external_data_format": large}
    # Where the checkpoint was copied from is nobody's business.
    about.pop("_name_or_path", None)
    write_json(config, about)


def newline_of(vlm: Vlm) -> dict[str, Any]:
    """What the station's preprocessing table says of how tiles are packed, or nothing.

    newline: the file of the vector between lines; most_tiles: to what larger pictures are scaled down, 0 = never.
    """
    if getattr(vlm.model.model, "image_newline", None) is None:
        return {}
    most = str(getattr(vlm.model.config, "vision_aspect_ratio", "")).removeprefix("anyres_max_")
    return {"newline": NEWLINE, "most_tiles": int(most) if most.isdigit() else 0}


def _array(vector: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, vector.detach().float().cpu().numpy(), allow_pickle=False)
    return stream.getvalue()
