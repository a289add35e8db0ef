"""The same questions about the same photos, put to the torch model and to exported graphs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from realign_edge.evaluation.pope import Probe
from realign_edge.glossary.facts import Facts
from realign_edge.photos.model import Photo
from realign_edge.photos.same import read_same
from realign_edge.progress import Progress
from realign_edge.station.decoding.model import StationModel
from realign_edge.vlm.generate import generate, generate_ids
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import Pooling
from realign_edge.vlm.prompts import read_prompts
from realign_edge.vlm.sight import Sight

# Of an answer, what is compared; of a yes or no, what is read.
FIRST_TOKENS, SHORT = 64, 16
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Paper:
    """What is asked: about every photo `question`, and the probes about theirs. facts: of the photos' records."""

    photos: tuple[Photo, ...]
    question: str
    facts: tuple[Facts, ...] = ()
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True)
class Sitting:
    """What one model answers, photo by photo.

    features: (n, hidden) of each photo; embeddings: (photos, d) of unit length; ids: of the descriptions, without
    EOS; logps: (k,) nats, that this model gives to the *torch* model's description; texts: the descriptions; answers:
    to the probes; see_ms, answer_ms: medians of a photo, NaN where they were not measured.
    """

    features: tuple[Floats, ...]
    embeddings: Floats
    ids: tuple[tuple[int, ...], ...]
    logps: tuple[Floats, ...]
    texts: tuple[str, ...]
    answers: tuple[str, ...]
    see_ms: float = float("nan")
    answer_ms: float = float("nan")


@torch.no_grad()
def ask_torch(vlm: Vlm, paper: Paper, pooling: Pooling, progress: Progress) -> Sitting:
    """The merged model's answers, from the photos' pixels on."""
    progress.start("Asking the torch model", len(paper.photos))
    seen = []
    for done, photo in enumerate(paper.photos, 1):
        seen.append(vlm.see(vlm.look(read_same(photo))))
        progress.advance(done)
    sights = [s.sight for s in seen]
    ids = generate_ids(vlm, sights, [paper.question] * len(sights), FIRST_TOKENS)
    logps = [_logps(vlm, sight, paper.question, said) for sight, said in zip(sights, ids, strict=True)]
    asked = [sights[p.index] for p in paper.probes]
    answers = generate(vlm, asked, [p.question for p in paper.probes], SHORT) if asked else []
    progress.finish()
    return Sitting(
        features=tuple(s.features.float().numpy() for s in sights),
        embeddings=np.stack([s.pooled[pooling].numpy() for s in seen]),
        ids=tuple(map(tuple, ids)),
        logps=tuple(logps),
        texts=tuple(vlm.decode(said) for said in ids),
        answers=tuple(answers),
    )


def ask_station(model: StationModel, paper: Paper, reference: Sitting, progress: Progress, task: str) -> Sitting:
    """The answers of exported graphs, through the runtime that stations have."""
    progress.start(task, len(paper.photos))
    views, said, logps, times = [], [], [], []
    answers = [""] * len(paper.probes)
    for number, photo in enumerate(paper.photos):
        rgb = np.asarray(read_same(photo))
        start = time.perf_counter()
        views.append(model.see(rgb))
        seen = time.perf_counter()
        said.append(model.answer(views[-1], paper.question, FIRST_TOKENS))
        times.append((seen - start, time.perf_counter() - seen))
        logps.append(model.answer_logps(views[-1], paper.question, reference.ids[number]))
        for place, probe in enumerate(paper.probes):
            if probe.index == number:
                answers[place] = model.answer(views[-1], probe.question, SHORT).text
        progress.advance(number + 1)
    progress.finish()
    see, answer = 1000 * np.median(np.array(times), axis=0)
    return Sitting(
        features=tuple(v.features for v in views),
        embeddings=np.stack([v.embedding for v in views]),
        ids=tuple(a.ids for a in said),
        logps=tuple(logps),
        texts=tuple(a.text for a in said),
        answers=tuple(answers),
        see_ms=float(see),
        answer_ms=float(answer),
    )


def _logps(vlm: Vlm, sight: Sight, question: str, ids: Sequence[int]) -> Floats:
    """(k,) log-probability in nats of each of the k `ids` as the answer."""
    if not ids:
        return np.zeros(0, np.float32)
    prompt = vlm.prefix(question, sight)
    cache, hidden = read_prompts(vlm, [prompt], [sight])
    states = [hidden]
    if len(ids) > 1:
        begun = torch.tensor([list(ids[:-1])])
        positions = prompt.continued(len(ids) - 1).unsqueeze(1)
        states.append(vlm.language(vlm.embed(begun), position_ids=positions, cache=cache))
    scores = torch.log_softmax(vlm.logits(torch.cat(states, dim=1))[0].float(), dim=-1)
    return np.asarray(scores[torch.arange(len(ids)), torch.tensor(list(ids))].numpy())
