"""Tiny models of every family with tiles or of one size a photo, exported as a station has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from realign_edge.bundle.contract import GRAPHS, STATION, Precision
from realign_edge.export.graphs.graphs import Graphs, export_graphs
from realign_edge.export.graphs.hub import newline_of
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.files import write_json
from realign_edge.station.decoding.model import StationModel, load_station
from realign_edge.station.profile import FIELDS
from realign_edge.vlm.load import load_vlm
from tests.parity.families.recipes import llava_onevision
from tests.parity.families.recipes_more import gemma3, idefics3, internvl, janus, paligemma2, smolvlm2

# Heads of 16, which our own graph of a decoder can rotate.
CASES: Mapping[str, Callable[[Path], None]] = {
    "internvl": partial(internvl, head=16, decoder="qwen3"),
    "idefics3": partial(idefics3, head=16),
    "smolvlm2": partial(smolvlm2, head=16),
    "llava_onevision": partial(llava_onevision, head=16),
    "gemma3": partial(gemma3, head=16),
    "paligemma2": partial(paligemma2, head=16),
    "janus": partial(janus, head=16),
}


@dataclass(frozen=True)
class Station:
    """A model on the workstation, and what was exported of it."""

    name: str
    vlm: Any
    folder: Path
    graphs: Graphs
    pooling: Any

    def model(self, precision: Precision = "fp32") -> StationModel:
        """As a station loads it, every graph in one precision."""
        vlm = self.vlm
        about = {name: getattr(self.graphs, name) for name in FIELDS if hasattr(self.graphs, name)}
        preprocess = preprocess_of(vlm.processor, vlm.family.limits) | newline_of(vlm)
        more = {"language": "en", "questions": {}, "max_new_tokens": 24, "thresholds": {}}
        chosen = {"preprocess": preprocess, "precisions": dict.fromkeys(GRAPHS, precision)}
        write_json(self.folder / STATION, about | more | chosen)
        return load_station(self.folder)


def exported(folder: Path, name: str, precisions: tuple[Precision, ...], pooling: Any = "cls") -> Station:
    """Made, loaded our way, and exported below `folder`."""
    CASES[name](folder / "model")
    vlm = load_vlm(str(folder / "model"))
    graphs = export_graphs(vlm, folder / "out", precisions, pooling=pooling)
    return Station(name, vlm, folder / "out", graphs, pooling)
