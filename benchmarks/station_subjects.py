"""What `benchmarks.station` measures, each in a process of its own: one JSON object on stdout.

Every subject is given the same photo and prompt, and says how many seconds it took, as medians over its rounds, for
bringing the photo into the model's size (pixels), for its features (vision), for reading the prompt (prefill) and for
one further token (decode).
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.workers import resident

NEW = 48


def main() -> None:
    """argv: subject, its folder, threads, rounds, and for a station its precisions."""
    name, folder, threads, rounds, *more = sys.argv[1:]
    found = SUBJECTS[name](Path(folder), int(threads), int(rounds), *more)
    print(json.dumps({**found, "peak_mb": resident("VmHWM") / 2**20}))


def station(folder: Path, threads: int, rounds: int, precisions: str) -> dict[str, float]:
    """Ours. precisions: of vision, embedding and decoder, as `int8,fp32,int4`; `plain` is the unfused decoder."""
    from realign_edge.station.decoding.model import load_station
    from realign_edge.station.seeing.pixels import pixels

    with tempfile.TemporaryDirectory() as beside:
        began = time.perf_counter()
        model = load_station(_variant(folder, Path(beside), precisions.split(",")), threads)
        loaded = time.perf_counter() - began
        question = model.profile.questions["describe"]
        seconds = _seconds()
        for number in range(rounds + 1):
            photo = picture(number, _edge(folder))
            cut, _ = _timed(lambda photo=photo: pixels(photo, model.profile.preprocess))  # type: ignore[misc]
            looked, view = _timed(lambda photo=photo: model.see(photo))  # type: ignore[misc]
            read, _ = _timed(lambda view=view: model.answer(view, question, 1))  # type: ignore[misc]
            short, _ = _timed(lambda view=view: model.answer(view, question, 1))  # type: ignore[misc]
            long, answer = _timed(lambda view=view: model.answer(view, question, 1 + NEW))  # type: ignore[misc]
            assert len(answer.ids) == 1 + NEW
            _keep(seconds, number, cut, looked - cut, read, (long - short) / NEW)
    tail = model.prompts.ends(question).tail
    return _figures(seconds, len(view.placed.states) + len(tail), loaded)


def torch_generate(folder: Path, threads: int, rounds: int) -> dict[str, float]:
    """transformers' `generate` in float32, from pixels."""
    import torch
    from transformers import AutoModelForImageTextToText

    from realign_edge.vlm.processor import load_processor

    torch.set_num_threads(threads)
    began = time.perf_counter()
    model: Any = AutoModelForImageTextToText.from_pretrained(folder / "torch", dtype=torch.float32).eval()
    processor = load_processor(folder / "torch", model.config.model_type)
    loaded, alone = time.perf_counter() - began, processor.image_processor
    content = [{"type": "image"}, {"type": "text", "text": _question(folder)}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    seconds = _seconds()
    with torch.inference_mode():
        for number in range(rounds + 1):
            photo = picture(number, _edge(folder))
            given: Any = processor(text=[text], images=[photo], return_tensors="pt")
            shown = {name: given[name] for name in ("pixel_values", "image_grid_thw") if name in given}

            def said(count: int, given: Any = given) -> Any:
                return model.generate(**given, min_new_tokens=count, max_new_tokens=count, do_sample=False)

            cut, _ = _timed(lambda photo=photo: alone(images=[photo], return_tensors="pt"))  # type: ignore[misc]
            looked, _ = _timed(lambda shown=shown: model.get_image_features(**shown))  # type: ignore[misc]
            short, _ = _timed(lambda said=said: said(1))  # type: ignore[misc]
            long, _ = _timed(lambda said=said: said(1 + NEW))  # type: ignore[misc]
            _keep(seconds, number, cut, looked, short - looked, (long - short) / NEW)
    return _figures(seconds, given["input_ids"].shape[1], loaded)


def genai(folder: Path, threads: int, rounds: int, precision: str) -> dict[str, float]:
    """onnxruntime-genai's own runtime on the decoder alone, with as many text tokens for a prompt."""
    import onnxruntime_genai as og

    place = folder / f"genai-{precision}"
    settings = json.loads((place / "genai_config.json").read_text())
    settings["model"]["decoder"]["session_options"]["intra_op_num_threads"] = threads
    (place / "genai_config.json").write_text(json.dumps(settings))
    began = time.perf_counter()
    model = og.Model(str(place))
    loaded = time.perf_counter() - began
    length = int(json.loads((folder / "prompt.json").read_text())["tokens"])
    seconds = _seconds()
    for number in range(rounds + 1):
        ids = np.random.default_rng(number).integers(4, 400, length).tolist()
        search = og.GeneratorParams(model)
        search.set_search_options(max_length=length + NEW + 8, min_length=length + NEW + 4, do_sample=False)
        generator = og.Generator(model, search)

        def read(generator: Any = generator, ids: list[int] = ids) -> None:
            generator.append_tokens(ids)
            generator.generate_next_token()

        def more(generator: Any = generator) -> None:
            for _ in range(NEW):
                generator.generate_next_token()

        _keep(seconds, number, 0.0, 0.0, _timed(read)[0], _timed(more)[0] / NEW)
    return _figures(seconds, length, loaded)


def inspections(folder: Path, threads: int, rounds: int) -> dict[str, float]:
    """Whole inspections of the floor's photos, file to verdict; rounds: how many photos."""
    from realign_edge.station.inspecting.inspector import Inspector

    inspector = Inspector(folder, threads)
    photos = sorted((folder.parent / "floor" / "photos").rglob("*.jpg"))[: rounds + 1]
    each = [_timed(lambda photo=photo: inspector.inspect(photo))[0] for photo in photos][1:]  # type: ignore[misc]
    p50, p95 = np.quantile(each, [0.5, 0.95])
    return {"photos": len(each), "p50": float(p50), "p95": float(p95), "a_minute": 60 / float(np.mean(each))}


def picture(number: int, edge: int = 336) -> Any:
    """A photo that no round has seen before, (edge, edge, 3) uint8."""
    return np.random.default_rng(number).integers(0, 256, (edge, edge, 3), np.uint8)


def _edge(folder: Path) -> int:
    return int(json.loads((folder / "prompt.json").read_text())["edge"])


def _variant(folder: Path, beside: Path, precisions: list[str]) -> Path:
    """The same bundle in other precisions, never ending an answer by itself."""
    from realign_edge.bundle.contract import GRAPHS, STATION
    from realign_edge.station.profile import read_profile

    plain = precisions[-1] == "plain"
    for entry in folder.iterdir():
        if entry.name not in (STATION, "onnx"):
            (beside / entry.name).symlink_to(entry)
    (beside / "onnx").symlink_to(folder / ("onnx-plain" if plain else "onnx"))
    wanted: Any = dict(zip(GRAPHS, ["fp32" if p == "plain" else p for p in precisions], strict=True))
    profile = replace(read_profile(folder), precisions=wanted, eos_token_ids=(), max_new_tokens=1 + NEW)
    values = asdict(profile) | ({"cache": "grown"} if plain else {})
    (beside / STATION).write_text(json.dumps(values))
    return beside


def _question(folder: Path) -> str:
    return str(json.loads((folder / "station.json").read_text())["questions"]["describe"])


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def _seconds() -> dict[str, list[float]]:
    return {"pixels": [], "vision": [], "prefill": [], "decode": []}


def _keep(seconds: dict[str, list[float]], number: int, *values: float) -> None:
    """The first round warms up."""
    for kept, value in zip(seconds.values(), values, strict=True):
        kept.extend([value] if number else [])


def _figures(seconds: dict[str, list[float]], tokens: int, loaded: float) -> dict[str, float]:
    return {**{name: median(values) for name, values in seconds.items()}, "prompt_tokens": tokens, "load": loaded}


SUBJECTS: dict[str, Callable[..., dict[str, float]]] = {
    "station": station, "torch": torch_generate, "genai": genai, "inspections": inspections,
}  # fmt: skip

if __name__ == "__main__":
    main()
