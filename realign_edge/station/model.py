"""The exported model on a station: sees photos, answers questions, says how likely an answer is.

What a second photo does not pay for again: rendering and tokenising the prompt, its embeddings, the keys and values
of the prompt's text *before* the photo, and all buffers. What a second *question* about a photo does not pay for:
the photo, which is most of a prompt, and the words with which the question before it began as well ("Does the photo
show"). The text behind a photo attends to it and is different for every photo, so no cache can save it: it is read
once for each photo.

Nothing is batched. Reading a prompt is bound by arithmetic, which a batch does not lessen, and takes most of the time;
the few tokens of a description would gain, at the price of holding the keys and values of several photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realign_edge.errors import MissingError, RealignError
from realign_edge.station.cache import Floats, open_cache
from realign_edge.station.pixels import Pixels, Rgb, pixels
from realign_edge.station.profile import read_profile
from realign_edge.station.prompts import Prompts
from realign_edge.station.sessions import open_graph
from realign_edge.station.tiles import best_resolution, packed


@dataclass(frozen=True, eq=False)
class View:
    """A photo as the model sees it: features (n, hidden); embedding (d,), of unit length, for finding past photos."""

    features: Floats
    embedding: Floats


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
        if self.profile.positions != "linear":
            raise MissingError(
                f"{folder}: positions of the kind {self.profile.positions} are not known to this station",
                "install a newer realign-edge, or export a model with linear positions",
            )
        self.prompts = Prompts(folder, self.profile)
        self._vision = open_graph(folder, self.profile, "vision_encoder", threads)
        self._embed = open_graph(folder, self.profile, "embed_tokens", threads)
        self._cache = open_cache(open_graph(folder, self.profile, "decoder_model_merged", threads), self.profile)
        self._newline = _newline(folder, self.profile.preprocess.get("newline"))
        self.embedded = lru_cache(maxsize=1024)(self._embedded)
        # What the cache holds: the text before the photo, the photo, and the tokens behind it.
        self._head: tuple[int, ...] | None = None
        self._view: View | None = None
        self._behind: tuple[int, ...] = ()

    def see(self, rgb: Rgb) -> View:
        """Look at a photo; rgb: (H, W, 3) uint8.

        Raises:
            Refusal: the photo's shape is beyond the model.
        """
        look = pixels(rgb, self.profile.preprocess)
        features, embedding = self._vision.run(["image_features", "image_embedding"], {"pixel_values": look.values})
        placed = self._packed(features, look)
        if self.profile.image_tokens not in (0, len(placed)):
            raise MissingError(
                f"{self.folder}: the vision graph makes {len(placed)} features of a photo where the profile says "
                f"{self.profile.image_tokens}", "export the bundle again"
            )  # fmt: skip
        pooled = embedding[0] if self.profile.embedding_rows == "first" else embedding.mean(axis=0)
        return View(placed, _unit(pooled))

    def fits(self, view: View, question: str) -> bool:
        """Is there room for this photo, the question and as long an answer as may come?"""
        head, tail = self.prompts.ends(question)
        needed = len(head) + len(view.features) + len(tail) + self.profile.max_new_tokens
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
            logps.append(float(_logp(scores[None], [token])[0]))
            if len(ids) < most:
                scores = self._cache.run(self.embedded((token,)), self._cache.length, 1)[0]
                self._behind += (token,)
        text = self.prompts.decode(ids)
        return Answer(text, tuple(ids), np.asarray(logps, np.float32), len(ids) < most)

    def answer_logps(self, view: View, question: str, ids: Sequence[int]) -> NDArray[np.float32]:
        """Log-probability (k,) in nats of each of the k `ids` as the answer, in one pass."""
        if not ids:
            return np.zeros(0, np.float32)
        return _logp(self._asked(view, question, ids[:-1], len(ids), 1), ids)

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
        whole = len(head) + len(view.features) + len(tail) + len(begun)
        if whole + more > self.profile.context:
            raise RealignError(
                f"photo, question and answer may take {whole + more} tokens, and the model reads "
                f"{self.profile.context}", "ask a shorter question, or for a shorter answer"
            )  # fmt: skip
        behind = (*tail, *begun)
        if self._head == head and self._view is view:
            # The positions whose logits are asked for must be read again.
            known = _common(behind[: len(behind) - keep], self._behind)
            past, parts = len(head) + len(view.features) + known, [self.embedded(behind[known:])]
        elif self._head == head:
            past, parts = len(head), [view.features[None], self.embedded(behind)]
        else:
            past, parts = 0, [self.embedded(head), view.features[None], self.embedded(behind)]
        # A pass that fails must not leave behind what is taken for a whole prompt.
        self._head = self._view = None
        logits = self._cache.run(np.concatenate(parts, axis=1), past, keep)
        self._head, self._view, self._behind = head, view, behind
        return logits

    def _embedded(self, ids: tuple[int, ...]) -> Floats:
        """Embeddings (1, s, hidden) of token ids."""
        return np.asarray(self._embed.run(["inputs_embeds"], {"input_ids": np.array([ids], np.int64)})[0], np.float32)

    def _packed(self, features: Floats, look: Pixels) -> Floats:
        """Features in the order in which they stand in the prompt."""
        table = self.profile.preprocess
        if table["kind"] != "tiles":
            return np.ascontiguousarray(features.reshape(-1, features.shape[-1]))
        target = best_resolution(look.size, table["resolutions"])
        return packed(features, look.size, target, table["tile"], self._newline)


def load_station(folder: Path, threads: int = 1) -> StationModel:
    """Load the model of the bundle in `folder`; the bundle's signature is somebody else's matter.

    Raises:
        MissingError: a file of it is missing, damaged or makes no sense.
    """
    return StationModel(Path(folder), threads)


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _newline(folder: Path, name: str | None) -> Floats:
    """The vector that ends a line of tiles; empty where there are none."""
    return np.zeros(0, np.float32) if name is None else np.load(folder / name, allow_pickle=False)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _logp(scores: Floats, ids: Sequence[int]) -> NDArray[np.float32]:
    """log softmax(scores)[i, ids[i]] for scores (k, vocabulary), summed in float64."""
    top = scores.max(axis=1, keepdims=True)
    norm = np.log(np.exp(scores - top).sum(axis=1, dtype=np.float64)) + top[:, 0]
    return np.asarray(scores[np.arange(len(ids)), list(ids)] - norm, np.float32)
