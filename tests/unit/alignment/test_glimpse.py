"""Asking the model while it trains changes nothing of what it learns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from realign_edge.alignment.trainer import Workspace, align
from realign_edge.glossary.load import load_glossary
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.pipeline.samples import Sampler, ask
from realign_edge.progress import Silent


@pytest.mark.parametrize(("dropout", "checkpointing", "held"), [(0.0, False, 0.4), (0.3, False, 0.4), (0.0, True, 0.0)])
def test_the_adapter_is_the_same_byte_for_byte(
    workbench: Any, small_floor: Path, tmp_path: Path, dropout: float, checkpointing: bool, held: float
) -> None:
    settings = replace(
        workbench.settings,
        steps=6,
        checkpoint_every=2,
        lora_dropout=dropout,
        gradient_checkpointing=checkpointing,
        holdout_share=held,
    )
    plain = workbench.train(tmp_path / "plain", settings)
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        photos = open_collection(catalog, small_floor, PhotoSettings(), Silent()).photos[:3]
    told: list[dict[str, Any]] = []
    before = tuple(ask(workbench.vlm, workbench.store, photos, "en"))
    glossary = load_glossary(small_floor / "glossary.toml")
    sampler = Sampler(workbench.vlm, workbench.store, glossary, "en", photos, before, 2, told.append)
    modes: list[bool] = []

    def glimpse(step: int) -> None:
        modes.append(workbench.vlm.model.training)
        state = torch.get_rng_state()
        sampler.show(step)
        assert torch.equal(torch.get_rng_state(), state)
        assert workbench.vlm.model.training == modes[-1]

    align(
        workbench.vlm,
        workbench.pairs,
        workbench.store,
        settings,
        Workspace(tmp_path / "shown", workbench.references),
        progress=Silent(),
        events=lambda event: None,
        control=Steady(),
        glimpse=glimpse,
    )
    shown = tmp_path / "shown" / "adapter" / "adapter_model.safetensors"
    assert shown.read_bytes() == plain.adapter.read_bytes()
    assert [e["step"] for e in told] == [2, 4, 6]
    # In turn, by the step alone.
    assert [e["name"] for e in told] == [photos[i].name for i in (1, 2, 0)]
    assert [e["before"]["text"] for e in told] == [before[i] for i in (1, 2, 0)]
    assert modes == [dropout > 0 or checkpointing] * 3


class Steady:
    """Nobody wants anything."""

    def wish(self) -> Any:
        return "go"

    def wait_while_paused(self) -> None:
        """Never."""
