"""Run by test_trainer.py in a process of its own: one training run that notes every step in a file."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import torch

from realign_edge.alignment.loop import Uninterrupted
from realign_edge.alignment.trainer import Workspace, align
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.progress import Silent
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.load import load_vlm

model, floor, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("trainer_tests", Path(__file__).with_name("test_trainer.py"))
assert spec is not None
assert spec.loader is not None
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
folder.mkdir(exist_ok=True)
vlm = load_vlm(model)
with Catalog(folder / "catalog.sqlite") as catalog:
    photos = open_collection(catalog, floor, PhotoSettings(), Silent()).photos
store = FeatureStore(folder / "features", vlm)
store.ensure(photos[:12], Silent())


def note(event: dict[str, Any]) -> None:
    if event["type"] == "step":
        with (folder / "steps").open("a") as file:
            file.write(f"{event['step']}\n")


workspace = Workspace(folder, folder / "references")
settings = tests.FAST
align(
    vlm,
    tests.make_pairs(photos[:12]),
    store,
    settings,
    workspace,
    progress=Silent(),
    events=note,
    control=Uninterrupted(),
)
