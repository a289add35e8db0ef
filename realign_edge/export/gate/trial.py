"""The exported graphs in any mix of precisions, run as a station would run them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from realign_edge.bundle.contract import GRAPHS, STATION, Graph, Precision, StationProfile
from realign_edge.export.graphs.graphs import Graphs
from realign_edge.export.job import Job
from realign_edge.export.steps import Steps
from realign_edge.files import write_json
from realign_edge.station.decoding.model import StationModel, load_station

Mix = Mapping[Graph, Precision]
EXACT: Mix = dict.fromkeys(GRAPHS, "fp32")


@dataclass(frozen=True)
class Trial:
    """The graphs of one export, to be tried in any mix. preprocess: of station.json; threads: of each session."""

    job: Job
    graphs: Graphs
    preprocess: Mapping[str, Any]
    steps: Steps
    threads: int

    def profile(self, mix: Mix, thresholds: Mapping[str, float] | None = None) -> StationProfile:
        """station.json for a mix."""
        known = {f.name: getattr(self.graphs, f.name) for f in fields(StationProfile) if hasattr(self.graphs, f.name)}
        return StationProfile(
            **known,
            language=self.job.language,
            preprocess=self.preprocess,
            questions={"describe": self.job.question},
            max_new_tokens=self.job.settings.max_new_tokens,
            precisions=dict(mix),
            thresholds=dict(thresholds or {}),
        )

    def model(self, mix: Mix) -> StationModel:
        """The graphs as a station runs them: a folder of links, with a station.json of its own."""
        folder = self.steps.folder / "trial"
        folder.mkdir(exist_ok=True)
        for path in self.steps.folder.iterdir():
            link = folder / path.name
            if path != folder and not link.is_symlink():
                link.symlink_to(path)
        write_json(folder / STATION, asdict(self.profile(mix)))
        return load_station(folder, self.threads)
