"""What a bundle's precisions cost, within 80 columns."""

import io
from typing import Any

from rich.console import Console

from realign_edge.bundle.manifest import GraphParity
from realign_edge.cli.bundle_view import precision_table, verdicts_line

SHARES = {"verdicts": 0.98, "verdicts_low": 0.891, "verdicts_high": 0.9963, "verdicts_n": 48.0, "let_through": 0.0}
OTHERS = {"max_difference": 1.8e-2, "tokens": 0.96, "chair_i": -0.017, "pope": 0.009}


def rows(**together: float) -> tuple[GraphParity, ...]:
    used = {f"together_{name}": value for name, value in together.items()}
    return (
        GraphParity("decoder_model_merged", "fp32", 7_200_000, True, "", {**OTHERS, **used}),
        GraphParity("decoder_model_merged", "int8", 1_900_000, True, "", {**OTHERS, **SHARES}),
        GraphParity("decoder_model_merged", "int4", 1_200_000, False, "tokens", OTHERS),
    )


def test_verdicts_stand_with_their_interval() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(precision_table(rows(), {"decoder_model_merged": "int8"}))
    out: Any = console.file
    lines = out.getvalue().splitlines()
    assert [line.split()[4:7] for line in lines[2:3]] == [["1.8e-02", "96", "%"]]
    assert "98 (89-100)" in lines[2]
    assert lines[2].rstrip().endswith("used")
    assert lines[3].rstrip().endswith("left out")
    # fp32 is what the others are compared with; what is left out before was not asked.
    assert all(" - " in lines[number] for number in (1, 3))
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_what_was_compared_is_said_below() -> None:
    assert verdicts_line(rows()) == "verdicts: the same as in fp32, % of 48 held-out photos (95 % interval)"
    together = {"verdicts": 0.9857, "verdicts_low": 0.9494, "verdicts_high": 0.9961, "verdicts_n": 140.0}
    assert verdicts_line(rows(**together)).endswith("; what is used, together: 99 (95-100) of 140")
    # A bundle of an older version, and one of fp32 alone.
    assert verdicts_line(rows()[:1]) == ""
