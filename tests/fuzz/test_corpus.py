"""What was ever found, and what reaches far, is tried at each run; hypothesis makes more of it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.campaign import CORPUS, changed, corpus
from tests.fuzz.targets import TARGETS, attack


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda p: f"{p.parent.name}-{p.name}")
def test_an_input_that_was_kept(path: Path) -> None:
    attack(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_changed_inputs_are_read_or_refused(name: str, data: st.DataObject) -> None:
    known = corpus(name)
    assert known, "every target has a corpus"
    start = data.draw(st.sampled_from(known))
    attack(name, changed(start, known, data.draw(st.randoms(use_true_random=False))))


@pytest.mark.parametrize("name", TARGETS)
@given(raw=st.binary(max_size=300) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_anything_at_all_is_read_or_refused(name: str, raw: bytes) -> None:
    attack(name, raw)
