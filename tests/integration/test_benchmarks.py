"""benchmarks/cuda.py works up to the device: the same rows on the CPU, with a small model."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import cuda
from benchmarks.job import Where
from benchmarks.resume import STEPS


class Here:
    """A worker without a process of its own, which would take longer to start than its work."""

    def __init__(self, build: Any, *arguments: Any, **_: Any) -> None:
        self.subject = build(*arguments)

    def round(self) -> tuple[float, float]:
        began = time.perf_counter()
        value = self.subject.round()
        return time.perf_counter() - began, value

    def ask(self, method: str, *arguments: Any) -> Any:
        return getattr(self.subject, method)(*arguments)

    def close(self) -> int:
        return 2**20


@pytest.mark.parametrize(("dtype", "quantization", "most"), [(torch.float32, "none", 3), (torch.bfloat16, "nf4", 1)])
def test_every_row_of_the_gpu_benchmark_runs_on_the_cpu(
    dtype: torch.dtype, quantization: Any, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("trl")
    monkeypatch.setattr(cuda, "Worker", Here)
    monkeypatch.setattr(cuda, "ON_CPU", Where("cpu", dtype, quantization))
    out = tmp_path / "out.json"
    words = ["--folder", str(tmp_path), "--shrink", "64", "--rounds", "1", "--most", str(most), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["cuda", *words])
    assert cuda.main() == 0
    _, *rows = json.loads(out.read_text())
    dpo, rdpo = rows[3:5]
    # Both sides begin with the base model, whose loss is log 2 for each of the objective's terms.
    for row, terms in ((dpo, 1), (rdpo, 2)):
        assert row["losses"]["ours"][0] == pytest.approx(terms * 0.6931, abs=0.02)
        assert row["losses"]["theirs"][0] == pytest.approx(terms * 0.6931, abs=0.02)
    # Photos of 576 and of 20 tokens, the question of 40 behind each (what stands around Qwen's photo is counted in it),
    # and three times an answer of 100.
    for model, photo, ours in (("llava", 576, rows[:3]), ("qwen", 20, rows[5:])):
        pair, again, group = ours
        assert {row["model"] for row in ours} == {model}
        assert pair["peak_gib"]["reserved"] > 0
        assert sum(v for part, v in pair["planned_gib"].items() if part != "total") == pytest.approx(
            pair["planned_gib"]["total"], abs=0.03
        )
        assert pair["items_per_s"] > 0
        assert (group["pairs"], group["tokens"]) == (most, most * (2 * (photo + 40) + 3 * 100))
        assert len(again["losses"]["whole"]) == STEPS
        assert (again["interrupted"], again["resumed_at"]) == (1, [2])
        # On a CPU to the bit.
        assert again["losses"]["resumed"] == again["losses"]["whole"]
        assert again["adapter_differs_by"] == 0.0


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["cuda"])
    assert cuda.main() == cuda.NO_DEVICE
    assert "error: no CUDA device\nhint: " in capsys.readouterr().out
