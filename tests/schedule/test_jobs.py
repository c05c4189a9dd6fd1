"""The order of jobs, and the bound on what there is to order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkc.diagnostics import Kind, ProgramError, Source
from ntkc.driver import Options, front_end, middle_on_positions
from ntkc.schedule.slices.demand import MAX_DISPLACEMENTS, _around, demand
from ntkc.schedule.slices.jobs import _ordered

Job = tuple[int, int]


@st.composite
def waits(draw: st.DrawFn) -> dict[Job, set[Job]]:
    """Jobs of a few segments, each waiting for some of earlier segments."""
    counts = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    jobs = [(number, i) for number, count in enumerate(counts) for i in range(count)]
    return {
        job: set(draw(st.lists(st.sampled_from(earlier), max_size=4))) if earlier else set()
        for job in jobs
        for earlier in [[other for other in jobs if other[0] < job[0]]]
    }


def plainly(segments: int, waiting: dict[Job, set[Job]]) -> tuple[Job, ...]:
    """What the order is by definition."""
    done: list[Job] = []
    while len(done) < len(waiting):
        ready = [j for j, before in waiting.items() if j not in done and before <= set(done)]
        last = max(number for number, _ in ready)
        done.append(min(job for job in ready if job[0] == last))
    return tuple(done)


@given(waits())
def test_consumers_come_as_early_as_they_may(waiting: dict[Job, set[Job]]) -> None:
    segments = 1 + max((number for number, _ in waiting), default=0)
    assert _ordered(segments, waiting) == plainly(segments, waiting)


def test_jobs_that_wait_for_each_other() -> None:
    with pytest.raises(AssertionError, match="wait for each other"):
        _ordered(2, {(0, 0): {(1, 0)}, (1, 0): {(0, 0)}})


@given(st.lists(st.integers(-30, 30)), st.integers(0, 9))
def test_around(centres: list[int], reach: int) -> None:
    found = list(_around(centres, reach))
    assert all(a < b for a, b in pairwise(found))
    assert set(found) == {c + d for c in centres for d in range(-reach, reach + 1)}


def test_an_image_of_any_size_is_laid_out() -> None:
    """As many displacements as there may be along an axis are no reason to wait."""
    network = (
        "network n { input image[4096, 4096, 3]; conv(3) -> relu -> global_avg_pool -> dense }"
    )
    front = front_end(Source("<test>", network), Options())
    (axes,) = {
        axes for node, axes in demand((front.module.roots["nngp"],)).items() if node.op == "window"
    }
    assert [len(axis) for axis in axes] == [2 * 4094 - 1] * 2
    schedule = middle_on_positions(front.module, "float64").tiles["nngp"]
    assert len(schedule.jobs) == 2 * 4094 - 1


LONG = MAX_DISPLACEMENTS // 2


@pytest.mark.parametrize(
    ("input", "body"),
    [
        (f"sequence[{LONG + 1}, 1]", "global_avg_pool"),
        ("sequence[16777216, 1]", "conv(1) -> relu -> global_sum_pool"),
        ("image[2, 4000000, 1]", "conv(1) -> avg_pool(1x1000000) -> conv(1) -> relu -> flatten"),
        ("sequence[2000000, 1]", "avg_pool(700000, stride = 1) -> conv(1) -> relu -> flatten"),
    ],
)
def test_too_many_displacements(input: str, body: str) -> None:
    text = f"network n {{\ninput {input}\n{body} -> dense\n}}"
    front = front_end(Source("<test>", text), Options())
    with pytest.raises(ProgramError) as caught:
        middle_on_positions(front.module, "float64")
    (found,) = caught.value.diagnostics
    assert (found.code, found.kind) == ("E0508", Kind.LIMITATION)
    assert found.primary is not None
    assert "pool" in found.primary.span.text
