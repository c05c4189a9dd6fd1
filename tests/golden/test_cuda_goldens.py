"""The CUDA source of two small networks, one on vectors and one on positions, as it is printed.

`pytest tests/golden --snapshot-update` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from ntkc.diagnostics import Source
from ntkc.driver import (
    Options,
    emitted_kernels,
    emitted_tiles,
    front_end,
    middle,
    middle_on_positions,
)
from ntkc.schedule.slices.packs import PORTABLE
from tests.backends.kernels import network

VECTORS = network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3", "dense")
POSITIONS = """network net {
    input image[4, 4, 2]
    { conv(3x3, padding = same, w_std = sqrt(2), b_std = 0.1) -> relu } * 2
    avg_pool(2x2)
    conv(2x2) -> relu -> global_avg_pool -> dense
}
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tiles(dtype: str, snapshot: SnapshotAssertion) -> None:
    front = front_end(Source("model.ntk", VECTORS), Options(dtype=dtype))
    schedules = middle(front.module, dtype, collapse=False)
    assert emitted_tiles(front, schedules, dtype) == snapshot


def test_kernels(snapshot: SnapshotAssertion) -> None:
    front = front_end(Source("model.ntk", POSITIONS), Options(dtype="float32"))
    program = middle_on_positions(front.module, "float32")
    assert emitted_kernels(front, program, PORTABLE) == snapshot
