"""Building note pairs: ours, by group, against `generate` one photo at a time: `python -m benchmarks.pairs`.

Both are given the same photos of the shop floor, their nearest usable neighbours and the same masks, and end
with one completion a photo and its similarity to the true note. The peer asks transformers' `generate` to
write the completed note, as many tokens as the true one has (the embedded model, which does not know that
instruction, would stop early), one photo after the other, from pixels. Ours also measures how well the
neighbour fits the true note (the reference gap), and tries further neighbours where the first will not do.

With questions, the peer also asks `generate` every yes/no and "where" question that ours weighs the false
answers of, to learn which one the model gets wrong.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image

from benchmarks.workers import Worker, compare, ratio
from realign_edge.glossary.find import find_glossary
from realign_edge.glossary.language import choose_language
from realign_edge.glossary.questions import describe_question
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import open_collection
from realign_edge.pipeline.config import resolve
from realign_edge.preferences.builder import PairBuilder
from realign_edge.preferences.gate import SentenceGate
from realign_edge.preferences.infill import ASK
from realign_edge.preferences.masking import mask_by_glossary, masked_text
from realign_edge.progress import Silent
from realign_edge.retrieval.index import open_index
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.load import load_vlm


def prepare(folder: Path, questions: bool) -> tuple[PairBuilder, list[Any]]:
    """A builder over the floor's training photos, and those photos; features and index are there already."""
    config = resolve(None, {})
    with Catalog(folder / "catalog.sqlite") as catalog:
        found = open_collection(catalog, folder / "floor", config.photos, Silent())
    vlm, train = load_vlm("nano"), found.of("train")
    store = FeatureStore(folder / "features", vlm)
    store.ensure(train, Silent())
    shas = tuple(sorted(p.sha256 for p in train))
    vectors = store.vectors(shas, config.retrieval.pooling)
    index = open_index(folder / "index", shas, vectors, Silent())
    settings = config.pairs if questions else replace(config.pairs, yes_no_questions=0, where_questions=0)
    glossary = find_glossary(found)
    builder = PairBuilder(
        vlm, store, index, glossary, {p.sha256: p for p in train}, settings, config.retrieval,
        SentenceGate(settings.encoder), choose_language(config.language, (p.record for p in train), glossary).language,
    )  # fmt: skip
    return builder, list(train)


class Grouped:
    """Ours: a round is every photo once, in groups of 16."""

    def __init__(self, folder: Path, photos: int, questions: bool) -> None:
        self.builder, train = prepare(folder, questions)
        self.photos = train[:photos]

    def round(self) -> float:
        """How many pairs came out."""
        groups = [self.photos[i : i + 16] for i in range(0, len(self.photos), 16)]
        return float(sum(len(pairs) for g in groups for pairs, _ in self.builder.build_group(g)))


class OneAtATime:
    """The peer: mask, ask `generate` under the neighbour's pixels, compare with the note; one photo at a time."""

    def __init__(self, folder: Path, photos: int, questions: bool) -> None:
        self.builder, train = prepare(folder, questions)
        self.questions = questions
        self.vlm, self.question = self.builder.vlm, describe_question("en")
        self.work = []
        for (pairs, _), photo in zip(self.builder.build_group(train[:photos]), train, strict=False):
            if pairs and pairs[0].kind == "note":
                self.work.append((photo, self.builder.photos[pairs[0].retrieved]))

    def round(self) -> float:
        """How many completions came out."""
        done = 0
        for photo, neighbour in self.work:
            if self.questions:
                self._ask(photo)
            note = photo.record.note
            masked = masked_text(mask_by_glossary(note, self.builder.glossary))
            prompt = self.vlm.wording.prompt(ASK["en"].format(masked=masked)).given
            length = len(self.vlm.answer_ids(self.question, note))
            text = self._generate(neighbour, prompt, min_new_tokens=length, max_new_tokens=length)
            self.builder.gate.similarity(note, text)
            done += 1
        return float(done)

    def _ask(self, photo: Any) -> None:
        facts = self.builder.facts[photo.sha256]
        turns = self.builder.questions.turns(facts) if facts is not None else []
        for question in dict.fromkeys(turn[0] for turn in turns):
            self._generate(photo, self.vlm.wording.prompt(question).given, max_new_tokens=8)

    @torch.no_grad()
    def _generate(self, photo: Any, prompt: str, **limits: int) -> str:
        with Image.open(photo.path) as image:
            inputs = self.vlm.processor(text=prompt, images=image.convert("RGB"), return_tensors="pt")
        written = self.vlm.model.generate(**inputs, do_sample=False, **limits)
        return self.vlm.decode(written[0, inputs["input_ids"].shape[1] :])


def main() -> None:
    """Note pairs against the peer, and the whole build by itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    from realign_edge.shopfloor.floor import write_floor

    with tempfile.TemporaryDirectory(prefix="bench-pairs-") as name:
        folder = Path(name)
        write_floor(folder / "floor", round(given.photos * 1.6), seed=5, progress=Silent())
        prepare(folder, questions=True)
        for what, questions in (("note pairs", False), ("note and question pairs", True)):
            ours = Worker(Grouped, folder, given.photos, questions, threads=given.threads)
            theirs = Worker(OneAtATime, folder, given.photos, questions, threads=given.threads)
            found = compare(ours, theirs, given.rounds)
            peaks = ours.close(), theirs.close()
            value = {
                "row": f"{what}, {given.photos} photos, against generate one photo at a time",
                "ratio": [round(x, 2) for x in ratio(found["theirs"], found["ours"])],
                "photos_per_s": {k: round(given.photos / median(found[k]), 1) for k in ("ours", "theirs")},
                "made": {"ours": found["our_values"][0], "theirs": found["their_values"][0]},
                "peak_mib": {"ours": peaks[0] // 2**20, "theirs": peaks[1] // 2**20},
            }
            print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
