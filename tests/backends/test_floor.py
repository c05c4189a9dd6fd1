"""The floor of convolutional networks in the benchmarks: the product's arithmetic, no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.cases import CASES, Case
from benchmarks.measure import _job
from benchmarks.sides.slices_floor import SliceBody, _bodies
from ntkc.diagnostics import Source
from ntkc.driver import Options, front_end, middle_on_positions

CONVOLUTIONAL = {case.name: case for case in CASES if case.floor == "slice_body"}


@pytest.mark.parametrize("name", ["conv-5-gap-float32", "conv-myrtle-10-float64"])
def test_as_many_entries_as_the_demand_analysis_states(name: str) -> None:
    case: Case = CONVOLUTIONAL[name]
    front = front_end(Source("<test>", case.source), Options(dtype=case.dtype))
    schedule = middle_on_positions(front.module, case.dtype).tiles["nngp+ntk"]
    bodies = _bodies(_job(case, "floor", 1))
    assert sum(entries for entries, _ in bodies.values()) == schedule.entries
    # A separable 3x3 window is five cells and four additions; Σ and Θ have one each.
    deepest = max(bodies, key=lambda text: bodies[text][1])
    assert deepest.count("buffer[") == 2 * 5 + 2 * 2 + 2


def test_every_convolutional_case_has_it() -> None:
    assert {case.name for case in CASES if case.name.startswith("conv-")} == set(CONVOLUTIONAL)


def test_it_runs() -> None:
    case = CONVOLUTIONAL["conv-strides-gap-float32"]
    floor = SliceBody(replace(_job(case, "floor", 2), n=2))
    before = [buffer.copy() for buffer in floor._buffers]
    buffers = floor.run()
    assert len(buffers) == 2
    assert all((a != b).any() for a, b in zip(before, buffers, strict=True))
