"""What reports say again that another room says, or another implementation computes."""

import pytest
from scipy.stats import binomtest

from realign_edge.evaluation.chair import RATIOS
from realign_edge.evaluation.pope import SETTINGS
from realign_edge.evaluation.settings import LOWER_IS_BETTER
from realign_edge.reports import alignment
from realign_edge.reports.figures import share


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (9, 10), (39, 40), (8992, 9847)])
def test_wilsons_interval_is_scipys(count: int, of: int) -> None:
    ours, theirs = share(count, of), binomtest(count, of).proportion_ci(method="wilson")
    # Two orders of the same few operations in double precision.
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_figures_are_those_of_the_evaluation() -> None:
    """Reports are made where there is no torch, so that they cannot import these."""
    assert alignment.LOWER_IS_BETTER == LOWER_IS_BETTER
    assert set(alignment.METRICS) == {*RATIOS, *(f"pope_{s}" for s in SETTINGS)}
