import pytest

from realign_edge.meter import Meter, clock


def test_before_the_second_report_no_rate_is_claimed() -> None:
    meter = Meter(100, "photos", 0.0)
    assert meter.describe() == "0/100 photos"
    meter.update(10, 1.0)
    assert meter.describe() == "10/100 photos"


def test_rate_and_time_left() -> None:
    meter = Meter(100, "photos", 0.0)
    meter.update(0, 1.0)
    meter.update(20, 11.0)
    assert meter.describe() == "20/100 photos  2.0/s  0:00:40 left"


def test_work_that_resumes_far_in_is_not_taken_for_fast() -> None:
    meter = Meter(90, "steps", 0.0)
    meter.update(41, 1.0)
    meter.update(42, 3.0)
    assert meter.rate == 0.5
    assert meter.describe() == "42/90 steps  30.0/min  0:01:36 left"


def test_the_pace_of_long_ago_is_forgotten() -> None:
    meter = Meter(0, "photos", 0.0)
    for second in range(100):
        meter.update(second * 10, float(second))
    for second in range(100, 200):
        meter.update(990 + (second - 99), float(second))
    assert meter.rate == pytest.approx(1.0)
    assert meter.describe() == "1090 photos  1.0/s"


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00:00"), (59.6, "0:01:00"), (3725, "1:02:05")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
