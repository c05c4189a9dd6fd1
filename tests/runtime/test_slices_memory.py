"""What a Gram matrix of images allocates beyond inputs and result: measured, and as stated."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ntkc.diagnostics import Source
from ntkc.driver import Options, front_end, generate
from ntkc.runtime import Kernel, load_program
from ntkc.runtime.errors import MemoryBudgetError
from ntkc.runtime.generated import import_generated
from ntkc.runtime.slice_program import SliceProgram
from ntkc.runtime.slices import _worker_bytes

CONV = "conv(3x3, padding = same, b_std = 0.1) -> relu"
NETWORKS = {
    "five layers": f"{{ {CONV} }} * 5 -> global_avg_pool -> dense",
    "myrtle": f"{{ {CONV} }} * 2 -> avg_pool(2) -> {{ {CONV} }} * 3 -> avg_pool(2)"
    f" -> {{ {CONV} }} * 2 -> avg_pool(2) -> avg_pool(2) -> avg_pool(2) -> flatten -> dense",
}
LIMIT = 64 * 2**20


def idle(body: str, dtype: str, folder: Any) -> tuple[Kernel, SliceProgram]:
    """A kernel on 32x32 images whose generated functions do nothing: allocations are the
    runtime's alone, and functions make none.
    """
    text = f"network net {{\n    input image[32, 32, 3]\n    {body}\n}}\n"
    path = folder / "kernel.py"
    path.write_text(generate(front_end(Source("<test>", text), Options(dtype=dtype)), dtype))
    program = load_program(import_generated(path, f"{dtype}{len(body)}"))
    assert isinstance(program, SliceProgram)

    def still(sliced: Any) -> Any:
        return replace(sliced, run=lambda *given: given[8].fill(1.0))  # the result

    tiles = {name: still(sliced) for name, sliced in program.tiles.items()}
    found = replace(program, tiles=tiles, own=tuple(map(still, program.own)))
    return Kernel(found), found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_gram_matrix_of_images_stays_within_64_mib(name: str, dtype: str, tmp_path: Any) -> None:
    kernel, program = idle(NETWORKS[name], dtype, tmp_path)
    x = np.ones((64, 32, 32, 3), dtype)
    out = np.empty((64, 64), dtype)
    kernel(x[:9], threads=2)  # what is imported at the first call
    tracemalloc.start()
    try:
        kernel(x, out=out, threads=2, memory=LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < LIMIT
    least = _worker_bytes(program, program.tiles["nngp+ntk"])
    assert 2 * least < LIMIT
    with pytest.raises(MemoryBudgetError, match="needs at least"):
        kernel(x, out=out, memory=least // 2)
