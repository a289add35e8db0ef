"""Three photos with four pairs, and what tests ask of their window."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from textual.widgets import Static

from realign_edge.files import sha256_file
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.preferences.review.ruling import read_rulings
from tui.context import Context, Language, WindowOptions

NOTES: dict[Language, tuple[str, str, str]] = {
    "en": (
        "Describe the part and its defects.",
        "Brass gear on the wooden bench. Dent at the lower edge, no other damage.",
        "Brass gear on the wooden bench. Oil stain at the lower right, no other damage.",
    ),
    "ja": (
        "部品とその不良を説明してください。",
        "木の台の上の真鍮の歯車。下端にへこみ、ほかに損傷なし。",
        "木の台の上の真鍮の歯車。右下に油染み、ほかに損傷なし。",
    ),
}


def draw_gear(path: Path, number: int) -> None:
    """A gear on a bench; the dent's place is that of the number."""
    image = Image.new("RGB", (96, 96), (122, 92, 62))
    draw = ImageDraw.Draw(image)
    for y in range(0, 96, 8):
        draw.line((0, y, 95, y + 3), (132, 101, 69), 2)
    outline = [
        (48 + r * math.cos(math.tau * k / 48), 48 + r * math.sin(math.tau * k / 48))
        for k in range(48)
        for r in [40 if k % 4 < 2 else 32]
    ]
    draw.polygon(outline, (212, 176, 84))
    draw.ellipse((26, 26, 70, 70), (196, 160, 72))
    draw.ellipse((38, 38, 58, 58), (122, 92, 62))
    at = (62, 66) if number == 1 else (20 + 8 * number, 30)
    draw.ellipse((at[0] - 7, at[1] - 5, at[0] + 7, at[1] + 5), (96, 74, 40) if number == 1 else (60, 44, 30))
    image.save(path)


@pytest.fixture
def made(tmp_path: Path) -> Callable[[Language], Context]:
    """made("en"): three photos with four pairs; in the order of worth: 1, 3, 2, and one without retrieved photo."""

    def make(language: Language = "en") -> Context:
        root = tmp_path / "photos"
        root.mkdir()
        photos = []
        for n in (1, 2, 3):
            path = root / f"L26-00{n}.png"
            draw_gear(path, n)
            defects = ("dent", "oil stain")
            record = InspectionRecord(note=NOTES[language][1], part="gear", defects=defects, known_defects=True)
            photos.append(Photo(sha256_file(path), path, path.name, 96, 96, "train", record))
        rows = []
        for n, own in enumerate(photos):
            how = Provenance(
                "model" if n == 2 else "record", masked="[MASK]", masking="glossary", completion="infill",
                text_similarity=0.8, photo_similarity=0.7, reference_gap=-0.5 if n == 0 else 18.0 + n,
            )  # fmt: skip
            pair = PreferencePair(own.sha256, photos[n - 1].sha256, *NOTES[language], "note", how)
            rows.append((own.sha256, dict[str, int](), [pair.to_json()]))
        texts = ("Does the photo show rust?", "No.", "Yes.")
        lone = PreferencePair(photos[2].sha256, "", *texts, "yes_no", Provenance("record"))
        rows[-1][2].append(lone.to_json())
        with Catalog(tmp_path / "catalog.sqlite") as catalog:
            catalog.store_scan(root, [], photos)
            catalog.store_attempts(root, "s", rows)
        options = WindowOptions(language, image_mode="half", person="Mori")
        return Context(tmp_path, photos=root, options=options)

    return make


async def settled(app: Any, pilot: Any) -> None:
    """Until what the keys asked for is done and on the screen."""
    for _ in range(3):
        await app.workers.wait_for_complete()
        await pilot.pause()


def held(context: Context) -> list[str]:
    """What holds, in the order in which it was decided."""
    rulings = read_rulings(context.home / "catalog.sqlite").values()
    return [r.held for r in sorted(rulings, key=lambda r: r.decisions[-1].number)]


def text_of(app: Any, where: str) -> str:
    return str(app.screen.query_one(where, Static).render())


@pytest.fixture(name="settled")
def _settled() -> Any:
    """await settled(app, pilot): what the keys asked for is done and on the screen."""
    return settled


@pytest.fixture(name="held")
def _held() -> Any:
    """held(context): what holds, in the order in which it was decided."""
    return held


@pytest.fixture(name="text_of")
def _text_of() -> Any:
    """text_of(app, "#id"): what a part says."""
    return text_of


@pytest.fixture(name="draw_gear")
def _draw_gear() -> Any:
    """draw_gear(path, number): a gear whose dent's place is that of the number."""
    return draw_gear


@pytest.fixture(name="notes")
def _notes() -> Any:
    """What stands in the pairs, by language."""
    return NOTES
