import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from realign_edge.alignment.batches import micro_batches, tokenised
from realign_edge.alignment.checkpoints import newest_checkpoint
from realign_edge.alignment.gradient import Learner
from realign_edge.alignment.lora import eject, inject, load_adapter, trainable
from realign_edge.alignment.objectives import OBJECTIVES
from realign_edge.alignment.reference import reference_logps
from realign_edge.alignment.schedule import schedule, step_count
from realign_edge.alignment.settings import PRESETS, AlignmentSettings
from realign_edge.alignment.trainer import Workspace, align
from realign_edge.errors import Interrupted, RealignError, UsageError
from realign_edge.files import sha256_file
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.photos.model import Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.progress import Silent
from realign_edge.team import Alone
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.load import load_vlm

FAST = AlignmentSettings(steps=4, batch_pairs=4, lora_rank=4, checkpoint_every=2, learning_rate=5e-3, holdout_share=0.0)
DESCRIBE = "Describe the part and its defects."


Wish = Literal["go", "pause", "stop"]


class Wishes:
    """Wants one thing after another, then nothing; counts how often it was waited for."""

    def __init__(self, wishes: Iterable[Wish]) -> None:
        self.left, self.waited = iter(wishes), 0

    def wish(self) -> Wish:
        return next(self.left, "go")

    def wait_while_paused(self) -> None:
        self.waited += 1


def make_pairs(photos: tuple[Photo, ...]) -> list[PreferencePair]:
    """Notes with and without a retrieved photo, and questions, from the floor's records."""
    pairs = []
    for i, photo in enumerate(photos[:8]):
        other = photos[(i + 3) % len(photos)]
        note = photo.record.note if photo.record else ""
        wrong = other.record.note if other.record else ""
        retrieved = other.sha256 if i % 4 else ""
        pairs.append(PreferencePair(photo.sha256, retrieved, DESCRIBE, note, wrong, "note", Provenance("record")))
        question = "Does the photo show rust?"
        pairs.append(
            PreferencePair(photo.sha256, other.sha256, question, "No.", "Yes.", "yes_no", Provenance("record"))
        )
    return pairs


@pytest.fixture
def bench(tmp_path: Path, tiny_vlm: Any, small_floor: Path) -> tuple[Any, FeatureStore, list[PreferencePair]]:
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        photos = open_collection(catalog, small_floor, PhotoSettings(), Silent()).photos
    store = FeatureStore(tmp_path / "features", tiny_vlm)
    store.ensure(photos[:12], Silent())
    return tiny_vlm, store, make_pairs(photos[:12])


def train(
    bench: Any, folder: Path, settings: AlignmentSettings = FAST, wishes: Iterable[Wish] = ()
) -> tuple[Path, list[dict[str, Any]]]:
    vlm, store, pairs = bench
    events: list[dict[str, Any]] = []
    workspace = Workspace(folder, folder / "references")
    align(vlm, pairs, store, settings, workspace, progress=Silent(), events=events.append, control=Wishes(wishes))
    return folder / "adapter" / "adapter_model.safetensors", events


def learner(bench: Any, items: Any, reference: Any, budget: int) -> Learner:
    vlm, store, _ = bench
    return Learner(vlm, store, items, FAST, reference, budget, Silent(), Alone())


@pytest.mark.parametrize("objective", ["sft", "dpo", "dpo-anchored", "rdpo", "rdpo-anchored", "rdpo-symmetric"])
def test_every_objective_lowers_its_loss(bench: Any, tmp_path: Path, objective: Any) -> None:
    settings = replace(FAST, objective=objective, steps=8, batch_pairs=16, learning_rate=1e-2)
    _, events = train(bench, tmp_path / objective, settings)
    losses = [e["loss"] for e in events if e["type"] == "step"]
    assert losses[-1] < losses[0] - 0.02


def test_the_first_steps_can_be_sft(bench: Any, tmp_path: Path) -> None:
    """Until `sft_steps` the weights are those of an SFT run with the same schedule."""
    both = replace(FAST, steps=2, sft_steps=2), replace(FAST, steps=2, objective="sft")
    losses = [
        [e["loss"] for e in train(bench, tmp_path / str(i), s)[1] if e["type"] == "step"] for i, s in enumerate(both)
    ]
    assert losses[0] == losses[1]


def test_accumulation_does_not_change_the_gradient(bench: Any, tmp_path: Path) -> None:
    """One forward pass over 16 pairs, or 16 passes over one: float32 sums in another order, hence 1e-5."""
    vlm, store, pairs = bench
    items = tokenised(vlm, store, pairs)
    reference = reference_logps(vlm, store, items, tmp_path, 4096, Silent())
    gradients = []
    for tokens in (1_000_000, 1):
        wrapped = inject(vlm, FAST)
        assert (len(micro_batches(items, tokens)) == len(items)) is (tokens == 1)
        learner(bench, items, reference, tokens).gradient(range(len(items)), "rdpo-anchored")
        gradients.append({n: p.grad.clone() for n, p in trainable(vlm).items() if p.grad is not None})
        eject(vlm, wrapped)
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-5, rtol=1e-4)


def test_only_lora_in_the_language_model_learns_and_off_means_base(bench: Any) -> None:
    vlm, store, pairs = bench
    sights = store.sights([pairs[0].photo])
    ids = vlm.prefix(DESCRIBE, sights[0]).ids[None]

    def logits() -> torch.Tensor:
        with torch.no_grad():
            return vlm.lm_head(vlm.language(vlm.embed(ids, sights)))  # type: ignore[no-any-return]

    base = logits()
    wrapped = inject(vlm, FAST)
    names = list(trainable(vlm))
    assert len(names) == 2 * 7 * 2
    assert all("language_model" in n and "lora_" in n for n in names)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.05)
    assert not torch.equal(logits(), base)
    with wrapped.disable_adapter():
        assert torch.equal(logits(), base)
    eject(vlm, wrapped)
    assert torch.equal(logits(), base)
    assert not any("lora_" in n for n, _ in vlm.model.named_parameters())


def test_the_same_run_gives_the_same_bytes_and_another_seed_others(bench: Any, tmp_path: Path) -> None:
    hashes = [
        sha256_file(train(bench, tmp_path / n, replace(FAST, seed=s))[0]) for n, s in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_stopped_run_goes_on_to_the_same_bytes(bench: Any, tmp_path: Path) -> None:
    whole, _ = train(bench, tmp_path / "whole")
    with pytest.raises(Interrupted, match="after step 3"):
        train(bench, tmp_path / "cut", wishes=("go", "go", "stop"))
    adapter, events = train(bench, tmp_path / "cut")
    assert {"type": "resumed", "step": 3} in events
    assert sha256_file(adapter) == sha256_file(whole)


def test_a_damaged_checkpoint_is_passed_over(bench: Any, tmp_path: Path) -> None:
    whole, _ = train(bench, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(bench, tmp_path / "cut", wishes=("go", "go", "stop"))
    newest = sorted((tmp_path / "cut" / "checkpoints").glob("*.safetensors"))[-1]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    found = newest_checkpoint(tmp_path / "cut" / "checkpoints")
    assert found is not None
    assert found.step == 2
    assert sha256_file(train(bench, tmp_path / "cut")[0]) == sha256_file(whole)


def test_other_pairs_or_settings_do_not_continue_a_run(bench: Any, tmp_path: Path) -> None:
    train(bench, tmp_path / "run")
    vlm, store, pairs = bench
    with pytest.raises(UsageError, match=r"changed since then: pairs \([0-9a-f]+ before, [0-9a-f]+ now\)$"):
        train((vlm, store, pairs[:-1]), tmp_path / "run")
    with pytest.raises(UsageError, match=r"changed since then: setting beta \(0.1 before, 0.2 now\)$"):
        train(bench, tmp_path / "run", replace(FAST, beta=0.2))


def test_a_diverging_run_stops_and_names_the_pair(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OBJECTIVES, "rdpo-anchored", lambda r, visual: r.chosen * float("nan") + visual)
    with pytest.raises(RealignError, match="loss of pair [0-9a-f]{16}"):
        train(bench, tmp_path / "run")


def test_falling_chosen_answers_raise_a_warning(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from realign_edge.alignment import monitor

    monkeypatch.setattr(monitor, "FALLING_CHOSEN_NATS", 1e6)
    _, events = train(bench, tmp_path / "run", replace(FAST, steps=6))
    warnings = [e["message"] for e in events if e["type"] == "warning"]
    assert len(warnings) == 1
    assert "less likely" in warnings[0]


def test_reference_logps_refuse_a_model_with_an_adapter(bench: Any, tmp_path: Path) -> None:
    vlm, store, pairs = bench
    wrapped = inject(vlm, FAST)
    with pytest.raises(RuntimeError, match="base model"):
        reference_logps(vlm, store, tokenised(vlm, store, pairs), tmp_path, 4096, Silent())
    eject(vlm, wrapped)


def test_the_adapter_loads_with_peft_alone_and_answers_the_same(
    bench: Any, tmp_path: Path, tiny_model: Path, small_floor: Path
) -> None:
    vlm, _, _ = bench
    train(bench, tmp_path / "run", replace(FAST, steps=8, learning_rate=2e-2))
    photo = next(iter(sorted(small_floor.rglob("*.jpg"))))
    script = f"""
import sys, torch
from PIL import Image
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor
torch.set_num_threads(1)
processor = AutoProcessor.from_pretrained({str(tiny_model)!r}, backend="pil")
model = AutoModelForImageTextToText.from_pretrained({str(tiny_model)!r})
model = PeftModel.from_pretrained(model, {str(tmp_path / "run" / "adapter")!r}).eval()
chat = [{{"role": "user", "content": [{{"type": "image"}}, {{"type": "text", "text": {DESCRIBE!r}}}]}}]
text = processor.apply_chat_template(chat, add_generation_prompt=True)
inputs = processor(text=text, images=Image.open({str(photo)!r}), return_tensors="pt")
out = model.generate(**inputs, max_new_tokens=24, do_sample=False)
print(processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True).strip())
assert not any(name.startswith("realign_edge") for name in sys.modules)
"""
    theirs = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    from PIL import Image

    from realign_edge.vlm.generate import generate

    sights = vlm.sights([Image.open(photo).convert("RGB")])
    before = generate(vlm, sights, [DESCRIBE], max_new_tokens=24)
    wrapped = load_adapter(vlm, tmp_path / "run" / "adapter")
    ours = generate(vlm, sights, [DESCRIBE], max_new_tokens=24)
    eject(vlm, wrapped)
    assert ours == [theirs.stdout.strip()]
    assert ours != before


def test_nf4_trains_on_the_cpu(tiny_model: Path, bench: Any, tmp_path: Path) -> None:
    _, store, pairs = bench
    vlm = load_vlm(str(tiny_model), quantization="nf4")
    settings = replace(FAST, quantization="nf4", steps=6, batch_pairs=16, learning_rate=1e-2)
    _, events = train((vlm, store, pairs), tmp_path / "run", settings)
    losses = [e["loss"] for e in events if e["type"] == "step"]
    assert losses[-1] < losses[0]


def test_every_step_takes_the_asked_share_of_questions(bench: Any) -> None:
    vlm, store, pairs = bench
    items = tokenised(vlm, store, pairs)
    for step in schedule(items, 7, 8, 0.25, seed=0):
        assert [items[i].pair.kind for i in step].count("note") == 6
    seen = {i for step in schedule(items, 8, 4, 0.5, seed=0) for i in step}
    assert seen == set(range(len(items)))


def test_presets_are_valid_and_the_papers_is_the_papers() -> None:
    paper = PRESETS["paper"]
    assert (paper.objective, paper.beta, paper.lora_rank, paper.lora_alpha, paper.learning_rate) == (
        "rdpo",
        0.1,
        128,
        256,
        1e-6,
    )
    with pytest.raises(ValueError, match=r"beta must be positive; lora_dropout"):
        AlignmentSettings(beta=0, lora_dropout=1.5)


def test_kill_9_at_any_moment_then_again_gives_the_same_adapter(
    bench: Any, tmp_path: Path, tiny_model: Path, small_floor: Path
) -> None:
    """A process is killed at three random moments of its run; what is left continues to the same bytes."""
    worker = Path(__file__).with_name("kill_worker.py")
    whole = tmp_path / "whole"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, str(worker), str(tiny_model), str(small_floor)]
    subprocess.run([*arguments, str(whole)], check=True, env=environment, timeout=120, capture_output=True)
    cut = tmp_path / "cut"
    for steps in (1, 3, 4):
        process = subprocess.Popen(
            [*arguments, str(cut)], env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            done = (cut / "steps").read_text().count("\n") if (cut / "steps").exists() else 0
            if done >= steps:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.01)
        process.wait()
        (cut / "steps").unlink(missing_ok=True)
    subprocess.run([*arguments, str(cut)], check=True, env=environment, timeout=120, capture_output=True)
    assert sha256_file(cut / "adapter" / "adapter_model.safetensors") == sha256_file(
        whole / "adapter" / "adapter_model.safetensors"
    )


@pytest.mark.parametrize(
    ("settings", "pairs", "steps"),
    [
        (AlignmentSettings(steps=60, batch_pairs=32), 1429, 60),
        (AlignmentSettings(steps=60, batch_pairs=32, max_epochs=20), 7, 5),
        (AlignmentSettings(steps=0, epochs=1.0, batch_pairs=8), 11000, 1375),
        (AlignmentSettings(steps=0, epochs=50.0, max_epochs=2, batch_pairs=8), 80, 20),
    ],
)
def test_few_pairs_get_few_steps(settings: AlignmentSettings, pairs: int, steps: int) -> None:
    assert step_count(settings, pairs) == steps


def test_a_pair_that_the_model_cannot_read_whole_is_refused_by_name(bench: Any) -> None:
    vlm, store, pairs = bench
    long = replace(pairs[0], chosen=" ".join(["Brass gear."] * 200))
    with pytest.raises(UsageError, match=rf"pair {long.pair_id} \(photo {long.photo[:12]}\) has \d+ tokens.* 512"):
        tokenised(vlm, store, [pairs[1], long])
