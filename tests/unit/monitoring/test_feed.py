"""benchmarks/dashboard_feed.py measures what it says."""

from datetime import datetime
from pathlib import Path

from benchmarks.dashboard_feed import day, opening, write_log
from realign_edge.runs.run import create_run


def test_the_benchmark_runs_with_few_events(tmp_path: Path) -> None:
    run = create_run(tmp_path, "aaaa", {}, "", datetime(2026, 1, 1))
    run.heartbeat(state="running", stage="train")
    write_log(run, 2000)
    found = opening(run, 1)
    assert found["open_s_median"] > 0
    assert found["refresh_ms_median"] > 0
    (run.folder / "events.jsonl").unlink()
    watched = day(run, 300)
    assert watched["looks"] == 300
    assert watched["memory_at_the_end_mib"] > 10
