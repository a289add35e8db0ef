"""What alignment is compared with: TRL's DPOTrainer, and rDPO the way that the public Re-Align code does it."""

import queue
import threading
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.nn.functional import logsigmoid

from benchmarks.job import Job, checkpointing, lora_config, optimizer_for


class Trl:
    """TRL's own training loop in a thread, held at every step's end."""

    def __init__(self, job: Job, folder: Path) -> None:
        from datasets import Dataset
        from transformers import AutoProcessor, TrainerCallback
        from trl import DPOConfig, DPOTrainer

        processor = AutoProcessor.from_pretrained(job.model, local_files_only=True, backend="pil")
        model = job.where.load(job.model).model
        rows = [self._row(job, pair) for _ in range(job.repeats) for pair in job.pairs]
        self._go: queue.Queue[bool] = queue.Queue()
        self._done: queue.Queue[float | BaseException] = queue.Queue()
        outer = self

        class Turns(TrainerCallback):
            def on_step_end(self, *arguments: Any, **more: Any) -> None:  # noqa: ARG002
                outer._done.put(outer._last)
                outer._go.get()

        class Watched(DPOTrainer):  # type: ignore[misc]
            def training_step(self, *arguments: Any, **more: Any) -> Any:
                loss = super().training_step(*arguments, **more)
                outer._last = float(loss)
                return loss

        settings = DPOConfig(
            output_dir=str(folder), per_device_train_batch_size=job.batch, gradient_accumulation_steps=1,
            gradient_checkpointing=job.settings.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
            learning_rate=job.settings.learning_rate, lr_scheduler_type="constant",
            adam_beta2=0.99, weight_decay=0.0, max_grad_norm=job.settings.max_grad_norm, beta=job.settings.beta,
            max_length=None, report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
            bf16=job.where.dtype == torch.bfloat16, use_cpu=job.where.device == "cpu",
            num_train_epochs=1, seed=job.settings.seed, dataloader_num_workers=0,
            remove_unused_columns=False, warmup_steps=0,
            optim="adamw_torch" if job.where.device == "cpu" else "adamw_torch_fused",
        )  # fmt: skip
        self._last = 0.0
        self.trainer = Watched(
            model=model, args=settings, processing_class=processor, train_dataset=Dataset.from_list(rows),
            peft_config=lora_config(job), callbacks=[Turns()],
        )  # fmt: skip
        same_adapter(self.trainer.model, job)
        self.trainer._get_train_sampler = torch.utils.data.SequentialSampler
        self._thread = threading.Thread(target=self._train, daemon=True)

    @staticmethod
    def _row(job: Job, pair: Any) -> dict[str, Any]:
        return {
            "images": [Image.open(job.photos[pair.photo]).convert("RGB")],
            "prompt": f"<s>{job.prompt_text(pair.prompt)}",
            "chosen": f" {pair.chosen}</s>",
            "rejected": f" {pair.rejected}</s>",
        }

    def _train(self) -> None:
        try:
            self.trainer.train()
        except BaseException as problem:
            self._done.put(problem)

    def round(self) -> float:
        """One step of TRL's loop: collating, two sequences a pair, the reference, gradient, update; the loss."""
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._go.put(True)
        found = self._done.get()
        if isinstance(found, BaseException):
            raise found
        return found


class SixForwards:
    """rDPO with every sequence whole: policy and reference of y_w|v, y_l|v, y_w|v_l, from pixels, full logits."""

    def __init__(self, job: Job, steps_a_round: int = 1) -> None:
        from peft import get_peft_model
        from transformers import AutoProcessor

        self.job, self.steps = job, steps_a_round
        self.processor = AutoProcessor.from_pretrained(job.model, local_files_only=True, backend="pil")
        base = job.where.load(job.model).model
        self.model = get_peft_model(base, lora_config(job))
        checkpointing(self.model, job.settings)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self._begin()

    def _begin(self) -> None:
        same_adapter(self.model, self.job)
        self.optimizer = optimizer_for(self.parameters, self.job.settings)
        self.at = 0

    def round(self) -> float:
        """The mean loss of `steps_a_round` steps; a round of several is an epoch, and each begins anew."""
        if self.steps > 1:
            self._begin()
        return sum(self._step() for _ in range(self.steps)) / self.steps

    def _step(self) -> float:
        batch = self.job.batch_at(self.at)
        self.at += 1
        texts = [self._text(p, p.chosen) for p in batch] + [self._text(p, p.rejected) for p in batch]
        seen = [Image.open(self.job.photos[p.photo]).convert("RGB") for p in batch]
        other = [Image.open(self.job.photos[p.retrieved]).convert("RGB") for p in batch]
        both, wrong = self._inputs(texts, seen * 2), self._inputs(texts[: len(batch)], other)
        with torch.no_grad(), self.model.disable_adapter():
            r_w, r_l = self._logps(both).chunk(2)
            r_o = self._logps(wrong)
        p_w, p_l = self._logps(both).chunk(2)
        p_o = self._logps(wrong)
        beta = self.job.settings.beta
        reward_w, reward_l, reward_o = beta * (p_w - r_w), beta * (p_l - r_l), beta * (p_o - r_o)
        loss = -(logsigmoid(reward_w - reward_l) + logsigmoid(reward_w - reward_o)).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.job.settings.max_grad_norm)
        self.optimizer.step()
        return float(loss)

    def _text(self, pair: Any, answer: str) -> tuple[str, str]:
        return f"<s>{self.job.prompt_text(pair.prompt)}", f" {answer}</s>"

    def _inputs(self, texts: list[tuple[str, str]], images: list[Any]) -> dict[str, torch.Tensor]:
        self.processor.tokenizer.padding_side = "right"
        whole = [a + b for a, b in texts]
        inputs = self.processor(text=whole, images=images, return_tensors="pt", padding=True, add_special_tokens=False)
        prompts = self.processor(
            text=[a for a, _ in texts], images=images, return_tensors="pt", padding=True, add_special_tokens=False
        )
        inputs["start"] = prompts["attention_mask"].sum(dim=1)
        inputs["pixel_values"] = inputs["pixel_values"].to(self.job.where.dtype)
        return {name: value.to(self.job.where.device) for name, value in inputs.items()}

    def _logps(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        logits = self.model(input_ids=ids, attention_mask=mask, pixel_values=inputs["pixel_values"]).logits
        logps = logits[:, :-1].float().log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
        answer = (torch.arange(1, ids.shape[1], device=ids.device) >= inputs["start"][:, None]) & (mask[:, 1:] > 0)
        return (logps * answer).sum(dim=1)  # type: ignore[no-any-return]


def same_adapter(model: Any, job: Job) -> None:
    """Give a peft model the adapter weights that ours starts from."""
    from safetensors.torch import load_file

    start = load_file(job.adapter)
    own = {n.split("base_model.model.")[-1]: p for n, p in model.named_parameters() if p.requires_grad}
    assert set(own) == set(start), sorted(set(own) ^ set(start))[:4]
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(start[name])
