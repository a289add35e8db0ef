"""The shipped presets are what the planner derives, and so are the tables of docs/models.md."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.presets import PAGE, as_toml, model_table, page_with, preset_table
from realign_edge.alignment import gpu_search
from realign_edge.alignment.gpu_presets import GpuPreset, gpu_presets
from realign_edge.alignment.gpu_search import GPU_SIZES_GB, PHOTO_TOKENS, derived, fit, memory_of, stated
from realign_edge.alignment.headroom import geometry_stated, usual_pairs
from realign_edge.alignment.memory import peak
from realign_edge.home import models_folder
from realign_edge.vlm.decoder import decoder_of
from realign_edge.vlm.family import families
from realign_edge.vlm.sizes import Sizes


def test_the_shipped_presets_are_what_the_planner_derives() -> None:
    assert tuple(gpu_presets().values()) == derived()
    assert (models_folder() / "presets.toml").read_text(encoding="utf-8") == as_toml(derived())
    assert [p.gpu_gb for p in gpu_presets().values()] == list(GPU_SIZES_GB)


def test_the_page_has_the_tables_that_the_planner_makes() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with(page, {"presets": preset_table(derived()), "models": model_table()})


@pytest.mark.parametrize("preset", gpu_presets().values(), ids=lambda p: p.name)
def test_a_preset_fits_and_nothing_finer_larger_or_quicker_does(preset: GpuPreset) -> None:
    """By `peak` itself, without the search."""
    limit = int(memory_of(preset.gpu_gb) * 0.9)
    rows = {checkpoint.id: (family, sizes) for family, checkpoint, sizes in stated()}
    family, sizes = rows[preset.model]

    def total(sizes: Sizes, tokens: int, checkpointing: bool, budget: int) -> int:
        settings = replace(preset.alignment, gradient_checkpointing=checkpointing)
        return peak(geometry_stated(sizes, 2**30), settings, usual_pairs(tokens), budget).total

    assert total(sizes, preset.photo_tokens, preset.gradient_checkpointing, preset.micro_tokens) <= limit
    finer = [t for t in PHOTO_TOKENS if t > preset.photo_tokens]
    assert all(total(sizes, t, True, 1) > limit for t in finer)
    if preset.gradient_checkpointing:
        assert total(sizes, preset.photo_tokens, False, 1) > limit
    assert family.resolution is not None
    larger = [
        other for f, c, other in stated() if f.resolution is not None and c.commercial_use and other.total > sizes.total
    ]
    assert all(total(other, PHOTO_TOKENS[-1], True, 1) > limit for other in larger)


def test_every_stated_shape_is_about_what_the_models_name_says() -> None:
    """The names round, and some leave the tower out; a wrong width or number of layers is far outside."""
    for _, checkpoint, sizes in stated():
        said = re.search(r"-(\d+(?:\.\d+)?)b", checkpoint.id.lower())
        if said is not None:
            assert 0.85 < sizes.total / (float(said[1]) * 1e9) < 2.2, checkpoint.id
        assert sizes.deep == (3 if "Qwen3-VL" in checkpoint.id else 0)
        assert decoder_of(sizes.decoder).type == sizes.decoder


def test_every_checkpoint_of_the_profiles_states_its_shape() -> None:
    assert len(list(stated())) == sum(len(f.hub) for f in families())


def test_what_is_too_small_takes_nothing() -> None:
    smallest = list(stated())[-1]
    assert fit(*smallest, memory_of(1)) is None
    assert gpu_search.fits(1) == []


def test_a_page_without_a_place_for_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="exactly one place"):
        page_with("nothing", {"presets": ""})
