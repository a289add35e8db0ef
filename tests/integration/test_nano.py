"""The embedded model as it ships: loads with transformers alone, is small, and sees."""

import subprocess
import sys
from pathlib import Path

from realign_edge.evaluation.chair import count_chair
from realign_edge.glossary.facts import facts_of
from realign_edge.glossary.questions import describe_question
from realign_edge.photos.decode import read_photo
from realign_edge.photos.records import read_records
from realign_edge.progress import Silent
from realign_edge.shopfloor.floor import write_floor
from realign_edge.shopfloor.vocabulary import GLOSSARY
from realign_edge.vlm.generate import generate
from realign_edge.vlm.load import load_vlm

NANO = Path(__file__).parents[2] / "models" / "nano"


def test_it_loads_with_transformers_alone_and_is_small() -> None:
    script = f"""
import sys
from transformers import AutoModelForImageTextToText, AutoProcessor
model = AutoModelForImageTextToText.from_pretrained({str(NANO)!r})
AutoProcessor.from_pretrained({str(NANO)!r}, backend="pil")
assert type(model).__name__ == "LlavaForConditionalGeneration"
assert not any(name.startswith("realign_edge") for name in sys.modules)
print(sum(p.numel() for p in model.parameters()))
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 3_000_000 <= int(found.stdout) <= 8_000_000
    assert (NANO / "model.safetensors").stat().st_size <= 16_000_000
    assert "## Limits" in (NANO / "README.md").read_text(encoding="utf-8")


def test_it_names_parts_and_most_defects_of_photos_it_never_saw(tmp_path: Path) -> None:
    """A smoke test with a wide margin; the card holds the real figures, over 400 photos."""
    shots = write_floor(tmp_path, 24, seed=777, progress=Silent())
    names = [s.name for s in shots]
    records = read_records(tmp_path, names).records
    vlm = load_vlm("nano")
    sights = vlm.sights([read_photo(tmp_path / n) for n in names])
    notes = generate(vlm, sights, [describe_question()] * len(names))
    facts = [f for n in names if (f := facts_of(records[n], GLOSSARY)) is not None]
    chair = count_chair(notes, facts, GLOSSARY)
    assert chair.ratio("attribute") > 0.85
    assert chair.ratio("recall") > 0.45
    assert chair.ratio("chair_i") < 0.45
