"""The figures of an evaluation for people: before, after, and what is better beyond chance."""

import math
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from realign_edge.evaluation.settings import LOWER_IS_BETTER

NAMES = {
    "chair_i": "hallucinated",
    "chair_s": "notes with any",
    "recall": "defects named",
    "location": "places right",
    "attribute": "attributes right",
    "exact": "notes all right",
    "pope_random": "yes/no random",
    "pope_popular": "yes/no popular",
    "pope_adversarial": "yes/no adversarial",
}


def figures_table(evaluation: Mapping[str, Any]) -> Table:
    """Each figure with its 95 % interval, in percent."""
    title = f"Held-out photos (n = {evaluation['photos']}), in %, with 95 % intervals"
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    table.add_column("", no_wrap=True)
    for name in ("before", "after", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for metric in (name for name in NAMES if name in evaluation["figures"]):
        parts = evaluation["figures"][metric]
        cells = [_share(parts[p]) for p in ("before", "after")]
        table.add_row(
            NAMES[metric],
            *cells,
            _change(parts["difference"]),
            _verdict(metric, parts["difference"]),
        )
    return table


def _share(part: Mapping[str, float]) -> str:
    found = _percents(part)
    if found is None:
        return "-"
    # "100.0 (100-100)" twice would not fit into 80 columns.
    value = "100" if found[0] > 99.95 else f"{found[0]:.1f}"
    return f"{value} ({found[1]:.0f}-{found[2]:.0f})"


def _change(part: Mapping[str, float]) -> str:
    found = _percents(part)
    return "-" if found is None else "{:+.1f} ({:+.1f}, {:+.1f})".format(*found)


def _percents(part: Mapping[str, float | None]) -> tuple[float, ...] | None:
    """Value and interval in percent; None where nothing was counted (null in evaluation.json)."""
    found = tuple(float("nan") if part[k] is None else 100 * float(part[k] or 0) for k in ("value", "low", "high"))
    return None if any(map(math.isnan, found)) else found


def _verdict(metric: str, difference: Mapping[str, float]) -> Text:
    found = _percents(difference)
    if found is None:
        return Text("")
    _, low, high = found
    if not (low > 0 or high < 0):
        return Text("~", style="dim")
    better = (high < 0) == (metric in LOWER_IS_BETTER)
    return Text("better", style="green") if better else Text("worse", style="red")
