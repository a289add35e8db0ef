"""The exported model on a station: sees photos, answers questions, says how likely an answer is.

What a second photo does not pay for again: rendering and tokenising the prompt, its embeddings, the keys and values
of the prompt's text *before* the photo, and all buffers. What a second *question* about a photo does not pay for:
the photo, which is most of a prompt, and the words with which the question before it began as well ("Does the photo
show"). The text behind a photo attends to it and is different for every photo, so no cache can save it: it is read
once for each photo.

Nothing is batched. int8 rounds the activations of a whole batch by one scale, so that what is said of a photo would
depend on the photos beside it; and reading a prompt, which takes most of the time, is bound by arithmetic, which a
batch does not lessen (benchmarks/batching.py). What pays is to open the next photo meanwhile
(station/arriving/ahead.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realign_edge.errors import RealignError
from realign_edge.station.decoding.around import Around
from realign_edge.station.decoding.cache import Floats, open_cache
from realign_edge.station.decoding.marks import Marks, marks
from realign_edge.station.decoding.scores import common, logp
from realign_edge.station.profile import read_profile
from realign_edge.station.prompting.prompts import Prompts
from realign_edge.station.seeing.eye import Eye, View
from realign_edge.station.seeing.pixels import Rgb
from realign_edge.station.sessions import open_graph


@dataclass(frozen=True)
class Answer:
    """ids: without EOS; logps: (k,) float32, nats, one for each id; finished: it ended itself, at EOS."""

    text: str
    ids: tuple[int, ...]
    logps: NDArray[np.float32]
    finished: bool

    @property
    def confidence(self) -> float:
        """Geometric mean of the tokens' probabilities, in [0, 1]; 0 for an answer without words."""
        return float(np.exp(self.logps.mean(dtype=np.float64))) if len(self.ids) else 0.0


class StationModel:
    """One bundle's graphs, tokenizer and prompts. Build with `load_station`. Not for several threads at once."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder, self.threads = folder, threads
        self.profile = read_profile(folder)
        self.prompts = Prompts(folder, self.profile)
        self._embed = open_graph(folder, self.profile, "embed_tokens", threads)
        self._cache = open_cache(open_graph(folder, self.profile, "decoder_model_merged", threads), self.profile)
        self.embedded = lru_cache(maxsize=1024)(self._embedded)
        self._eye = Eye(folder, self.profile, threads, self.prompts.layout, self.embedded)
        # What the cache holds: the text before the photo, the photo, the question, and the tokens behind the photo.
        self._head: tuple[int, ...] | None = None
        self._view: View | None = None
        self._tail: tuple[int, ...] = ()
        self._behind: tuple[int, ...] = ()
        self._around = Around(0, 0)

    def see(self, rgb: Rgb) -> View:
        """Look at a photo; rgb: (H, W, 3) uint8.

        Raises:
            Refusal: the photo's shape is beyond the model.
        """
        return self._eye.see(rgb)

    def fits(self, view: View, question: str) -> bool:
        """Is there room for this photo, the question and as long an answer as may come?"""
        head, tail = self.prompts.ends(question)
        needed = len(head) + len(view.placed.states) + len(tail) + self.profile.max_new_tokens
        return needed <= self.profile.context

    def answer(self, view: View, question: str, max_new_tokens: int | None = None) -> Answer:
        """The most likely answer, token by token.

        Raises:
            RealignError: photo and question are longer than the model reads.
        """
        most = self.profile.max_new_tokens if max_new_tokens is None else max_new_tokens
        scores = self._asked(view, question, (), 1, most)[0]
        ids: list[int] = []
        logps: list[float] = []
        while len(ids) < most and (token := int(scores.argmax())) not in self.profile.eos_token_ids:
            ids.append(token)
            logps.append(float(logp(scores[None], [token])[0]))
            if len(ids) < most:
                scores = self._read(self.embedded((token,)), self._cache.length, 1)[0]
                self._behind += (token,)
        text = self.prompts.decode(ids)
        return Answer(text, tuple(ids), np.asarray(logps, np.float32), len(ids) < most)

    def answer_logps(self, view: View, question: str, ids: Sequence[int]) -> NDArray[np.float32]:
        """Log-probability (k,) in nats of each of the k `ids` as the answer, in one pass."""
        if not ids:
            return np.zeros(0, np.float32)
        return logp(self._asked(view, question, ids[:-1], len(ids), 1), ids)

    def choose(self, view: View, question: str, answers: Sequence[str]) -> NDArray[np.float64]:
        """Probability of each answer among `answers`, (n,), by the first token in which they differ.

        Raises:
            ValueError: one answer is the beginning of another.
        """
        ids = [self.prompts.answer_ids(question, a) for a in answers]
        same = next((i for i, tokens in enumerate(zip(*ids, strict=False)) if len(set(tokens)) == len(ids)), None)
        if same is None or len({tuple(i[:same]) for i in ids}) > 1:
            raise ValueError(f"the answers {', '.join(answers)} do not differ in one token")
        scores = self._asked(view, question, ids[0][:same], 1, 1)[0]
        chosen = scores[[tokens[same] for tokens in ids]].astype(np.float64)
        shares = np.exp(chosen - chosen.max())
        return np.asarray(shares / shares.sum())

    def _asked(self, view: View, question: str, begun: Sequence[int], keep: int, more: int) -> Floats:
        """Read a prompt and the beginning of its answer; logits (keep, vocabulary) of the last `keep` positions.

        Only what the cache does not hold yet is read. more: how many further tokens there must be room for.
        """
        head, tail = self.prompts.ends(question)
        photo = view.placed.states
        whole = len(head) + len(photo) + len(tail) + len(begun)
        if whole + more > self.profile.context:
            raise RealignError(
                f"photo, question and answer may take {whole + more} tokens, and the model reads "
                f"{self.profile.context}", "ask a shorter question, or for a shorter answer"
            )  # fmt: skip
        behind = (*tail, *begun)
        # The positions whose logits are asked for must be read again.
        known = common(behind[: len(behind) - keep], self._behind)
        self._around = Around(len(head), len(photo), view.grid, view.deep)
        both = self.profile.both_ways
        if self._head == head and self._view is view and self._still_read(tail, known):
            past, parts = len(head) + len(photo) + known, [self.embedded(behind[known:])]
        elif both == "prompt":
            past, parts = 0, [self.embedded(head), photo[None], self.embedded(behind)]
        else:
            if self._head != head and head:
                # By itself, so that the first photo is read as every later one is: what int8 reads together is
                # rounded by one scale, and no answer may depend on which photo came first.
                self._head = self._view = None
                self._read(self.embedded(head), 0, 1)
            past, parts = len(head), [photo[None], self.embedded(behind)]
        of_all = () if both == "nothing" else (marks(view.placed.places, len(head), len(tail), len(begun), both),)
        # A pass that fails must not leave behind what is taken for a whole prompt.
        self._head = self._view = None
        logits = self._read(np.concatenate(parts, axis=1), past, keep, *(m[past:] for m in of_all))
        self._head, self._view, self._tail, self._behind = head, view, tail, behind
        return logits

    def _read(self, embeds: Floats, past: int, keep: int, new: Marks | None = None) -> Floats:
        """Through the decoder, with what it is told of the photo besides."""
        total = past + embeds.shape[1]
        more: dict[str, NDArray[Any]] = {}
        if self.profile.positions == "mrope":
            more["position_ids"] = self._around.positions(past, total)
        if self.profile.deep_layers:
            more["deepstack_features"] = self._around.deep_states(past, total)
        return self._cache.run(embeds, past, keep, new, more)

    def _still_read(self, tail: tuple[int, ...], known: int) -> bool:
        """May what was read of this photo stay? Not where it has seen a question that is not this one."""
        return self.profile.both_ways != "prompt" or (self._tail == tail and known >= len(tail))

    def _embedded(self, ids: tuple[int, ...]) -> Floats:
        """Embeddings (1, s, hidden) of token ids."""
        return np.asarray(self._embed.run(["inputs_embeds"], {"input_ids": np.array([ids], np.int64)})[0], np.float32)


def load_station(folder: Path, threads: int = 1) -> StationModel:
    """Load the model of the bundle in `folder`; the bundle's signature is somebody else's matter.

    Raises:
        MissingError: a file of it is missing, damaged or makes no sense.
    """
    return StationModel(Path(folder), threads)
