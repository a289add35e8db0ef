"""What a photo costs to see: `python -m benchmarks.vision --work FOLDER`, where `benchmarks.station` left its bundles.

In every round torch and the graphs see the same photo, one after another, in one process on one thread. Times are those
of the processor: they leave out what other processes took of it. Then, what each kind of operator takes of the int8
graph, by onnxruntime's own profile.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.station import apart
from benchmarks.station_models import make_medium, make_nano
from benchmarks.station_subjects import picture
from realign_edge.station.sessions import options

FILES = {"fp32": "vision_encoder.onnx", "int8": "vision_encoder_int8.onnx"}
OUTPUTS = ["image_features", "image_embedding"]


def main() -> None:
    """Measure and print."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--work", type=Path, help="folder for models and bundles; kept when named")
    given.add_argument(
        "--rounds", type=int, default=25, help="of the large model; the embedded one has four times more"
    )
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name, make, more in (("nano", make_nano, 4), ("medium", make_medium, 1)):
            folder = apart(make, asked.work or Path(temporary)).folder
            print(f"\n{name}: {asked.rounds * more} rounds")
            compare(folder, asked.rounds * more)
            profile(folder, Path(temporary))


def compare(folder: Path, rounds: int) -> None:
    """Milliseconds of processor time of each, and torch's over each."""
    works = subjects(folder)
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        pixels = pixels_of(folder, number)
        for name, see in works.items():
            began = time.process_time()
            see(pixels)
            # The first round warms up.
            seconds[name].extend([time.process_time() - began] if number else [])
    for name, found in seconds.items():
        ratio = median(t / s for t, s in zip(seconds["torch"], found, strict=True))
        print(f"{name}: median {1000 * median(found):.2f} ms, least {1000 * min(found):.2f}, {ratio:.2f} times torch")


def subjects(folder: Path) -> dict[str, Callable[[Any], Any]]:
    """torch's tower and projector, and the graphs; each takes pixels (1, 3, H, W)."""
    import torch
    from transformers import AutoModelForImageTextToText

    torch.set_num_threads(1)
    model: Any = AutoModelForImageTextToText.from_pretrained(folder / "torch", dtype=torch.float32).eval()

    def by_torch(pixels: Any) -> Any:
        with torch.inference_mode():
            return model.get_image_features(pixel_values=torch.from_numpy(pixels))

    def by_graph(session: Any, pixels: Any) -> Any:
        return session.run(OUTPUTS, {"pixel_values": pixels})

    graphs = {f"station {p}": partial(by_graph, opened(folder, p)) for p in FILES}
    return {"torch": by_torch, **graphs}


def opened(folder: Path, precision: str, profile_at: Path | None = None) -> Any:
    """The vision graph as a station opens it."""
    import onnxruntime

    settings = options(1)
    if profile_at is not None:
        settings.enable_profiling, settings.profile_file_prefix = True, str(profile_at)
    return onnxruntime.InferenceSession(folder / "onnx" / FILES[precision], settings)


def pixels_of(folder: Path, number: int) -> Any:
    """A photo in the model's size, (1, 3, H, W) float32."""
    from realign_edge.station.seeing.pixels import pixels

    table = json.loads((folder / "station.json").read_text(encoding="utf-8"))["preprocess"]
    return pixels(picture(number), table).values


def profile(folder: Path, temporary: Path, runs: int = 5) -> None:
    """Share of the int8 graph's time by operator and shape of its first input."""
    session = opened(folder, "int8", temporary / "profile")
    for number in range(runs):
        session.run(OUTPUTS, {"pixel_values": pixels_of(folder, number)})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    spent: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("kernel_time"):
            shapes = [next(iter(s.values())) for s in event["args"].get("input_type_shape", [])]
            spent[f"{event['args']['op_name']} {shapes[0] if shapes else ''}"] += event["dur"]
    total = spent.total()
    for kind, microseconds in spent.most_common(10):
        print(f"  {microseconds / total:.1%} {microseconds / 1000 / runs:.2f} ms {kind}")


if __name__ == "__main__":
    main()
