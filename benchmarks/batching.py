"""Does a station gain from several photos at once? `python -m benchmarks.batching --work FOLDER`.

Three answers, on one thread for the model: the vision graph over 1 to 8 photos in one run, the decoder's step for 1
to 8 photos side by side (buffers written in place, as the station has them), and whole inspections with the next photo
opened in a thread of its own or not. Sizes take turns in every round; figures are medians. Graphs are timed by the
processor's time, which leaves out what other processes took; whole inspections by the clock, since they overlap.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.station import apart
from benchmarks.station_models import make_medium, make_nano
from realign_edge.bundle.contract import Graph, Precision, graph_file
from realign_edge.station.sessions import options

SIZES = (1, 2, 4, 8)
VISION: tuple[Precision, ...] = ("fp32", "int8")
DECODER: tuple[Precision, ...] = ("int8", "int4")
CAMERA = (4000, 3000)


def main() -> None:
    """Measure and print."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--work", type=Path, help="folder for models and bundles; kept when named")
    given.add_argument("--rounds", type=int, default=9)
    given.add_argument("--photos", type=int, default=40, help="that are inspected whole")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.work or Path(temporary)
        for name, make in (("nano", make_nano), ("medium", make_medium)):
            folder = apart(make, work).folder
            for precision in VISION:
                show(f"{name}, vision in {precision}", vision(folder, precision, asked.rounds))
            for precision in DECODER:
                show(f"{name}, a token of the decoder in {precision}", decoding(folder, precision, asked.rounds))
        inspections(work / "nano", asked.photos, Path(temporary))


def show(what: str, seconds: dict[int, float]) -> None:
    """Milliseconds of one photo by how many there are at once, and the gain."""
    cells = [f"{n}: {1000 * s / n:.2f} ms ({n * seconds[1] / s:.2f}x)" for n, s in seconds.items()]
    print(f"{what}, of each photo: {', '.join(cells)}", flush=True)


def taking_turns(
    works: Mapping[int, Callable[[], Any]], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[int, float]:
    """Median seconds of each; the first round warms up."""
    found: dict[int, list[float]] = {n: [] for n in works}
    for number in range(rounds + 1):
        for n, work in works.items():
            began = clock()
            work()
            found[n].extend([clock() - began] if number else [])
    return {n: median(seconds) for n, seconds in found.items()}


def session(folder: Path, graph: Graph, precision: Precision) -> Any:
    """On one thread, as the station opens it."""
    import onnxruntime

    return onnxruntime.InferenceSession(folder / graph_file(graph, precision), options(1))


def vision(folder: Path, precision: Precision, rounds: int) -> dict[int, float]:
    """Seconds of a run over n photos."""
    tower = session(folder, "vision_encoder", precision)
    shape = tower.get_inputs()[0].shape[1:]
    pixels = np.random.default_rng(0).normal(size=(max(SIZES), *shape)).astype(np.float32)

    def see(n: int) -> Any:
        return tower.run(None, {"pixel_values": pixels[:n]})

    return taking_turns({n: partial(see, n) for n in SIZES}, rounds)


def decoding(folder: Path, precision: Precision, rounds: int) -> dict[int, float]:
    """Seconds of one step for n photos whose prompts have been read."""
    from benchmarks.station_models import prompt_tokens
    from realign_edge.station.profile import read_profile

    profile, past = read_profile(folder), prompt_tokens(folder)
    decoder = session(folder, "decoder_model_merged", precision)

    def steps(bound: Any) -> None:
        for _ in range(8):
            decoder.run_with_iobinding(bound)

    works = {n: partial(steps, bind(decoder, profile, n, past)) for n in SIZES}
    return {n: seconds / 8 for n, seconds in taking_turns(works, rounds).items()}


def bind(decoder: Any, profile: Any, n: int, past: int) -> Any:
    """Inputs of one step, outputs, and buffers that are past and present at once."""
    import onnxruntime

    def value(array: Any) -> Any:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)

    found, rng = decoder.io_binding(), np.random.default_rng(0)
    found.bind_ortvalue_output("logits", value(np.zeros((n, 1, profile.vocabulary), np.float32)))
    states = rng.normal(size=(n, 1, profile.hidden)).astype(np.float32)
    values = {
        "inputs_embeds": states, "attention_mask": np.ones((n, past + 1), np.int64),
        "position_ids": np.full((n, 1), past, np.int64), "num_logits_to_keep": np.asarray(1, np.int64),
    }  # fmt: skip
    for given in decoder.get_inputs():
        if given.name in values:
            found.bind_cpu_input(given.name, values[given.name])
        elif given.name.startswith("past_key_values"):
            buffer = value(rng.normal(size=(n, profile.kv_heads, past + 8, profile.head_dim)).astype(np.float32))
            found.bind_ortvalue_input(given.name, buffer)
            found.bind_ortvalue_output(given.name.replace("past_key_values", "present"), buffer)
    return found


def inspections(place: Path, count: int, temporary: Path) -> None:
    """Photos a minute, opened ahead and not, taking turns: as rendered, and as large as a camera's."""
    from realign_edge.station.arriving.ahead import opened_ahead
    from realign_edge.station.arriving.arrivals import Arrival
    from realign_edge.station.arriving.context import Context
    from realign_edge.station.inspecting.inspector import Inspector
    from realign_edge.station.inspecting.work import inspect_all

    inspector = Inspector(place / "bundle", 1)
    photos = sorted((place / "floor" / "photos").rglob("*.jpg"))[:count]
    for words, made in (("as rendered", photos), ("of 12 megapixels", list(enlarged(photos, temporary)))):
        found = [Arrival(p, p.name, Context()) for p in made]

        def one_by_one(found: list[Arrival] = found) -> list[Any]:
            return [inspector.inspect(a.path, a.name) for a in found]

        def ahead(found: list[Arrival] = found) -> list[Any]:
            return list(inspect_all(inspector, found))

        def opened(found: list[Arrival] = found) -> list[Any]:
            return list(opened_ahead(found))

        seconds = taking_turns({0: one_by_one, 1: ahead}, 3, time.perf_counter)
        spent = taking_turns({0: one_by_one, 1: opened}, 1)
        rates = [60 * len(found) / seconds[n] for n in (0, 1)]
        print(
            f"{len(found)} photos {words}: {rates[0]:.0f} a minute, opened ahead {rates[1]:.0f} "
            f"({rates[1] / rates[0]:.2f}x); processor time of each {1000 * spent[0] / len(found):.1f} ms, "
            f"{1000 * spent[1] / len(found):.1f} ms of that to open it",
            flush=True,
        )


def enlarged(photos: list[Path], folder: Path) -> Iterator[Path]:
    """The photos in a camera's size."""
    for photo in photos:
        path = folder / photo.name
        Image.open(photo).convert("RGB").resize(CAMERA).save(path, quality=90)
        yield path


if __name__ == "__main__":
    main()
