"""What a Gram matrix of images allocates beyond inputs and result: measured, and as stated."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ntkc.diagnostics import Source
from ntkc.driver import Options, front_end, generate, middle_on_positions
from ntkc.explain.slices import workspace_bytes
from ntkc.runtime import Kernel, load_program
from ntkc.runtime.errors import MemoryBudgetError
from ntkc.runtime.generated import import_generated
from ntkc.runtime.slice_program import SliceProgram
from ntkc.runtime.slice_sides import InputImages, Table
from ntkc.runtime.slice_worker import Worker
from ntkc.runtime.slices import _worker_bytes, make_side

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
        def fill(*given: Any) -> None:
            given[8].fill(1.0)  # the result

        return replace(sliced, run=fill, shared=fill)

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


STATED = {
    "two segments": "conv(3, padding = same) -> relu -> avg_pool(2) -> conv(3) -> relu -> flatten",
    "around a ring": "{ conv(3, padding = circular) -> layer_norm -> relu } * 2 -> global_avg_pool",
    "strides": "conv(3, stride = 2, b_std = 0.1) -> relu -> conv(2) -> erf -> global_avg_pool",
    "joined": "conv(1) -> concat(conv(1), relu -> conv(1), axis = width) -> relu -> flatten",
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STATED)
def test_the_workspace_of_a_thread_is_as_stated(name: str, dtype: str, tmp_path: Any) -> None:
    """What `ntkc explain` says of every function is the bytes of a worker's arrays, to the last."""
    text = f"network net {{\n    input image[6, 8, 3]\n    {STATED[name]} -> dense\n}}\n"
    front = front_end(Source("<test>", text), Options(dtype=dtype))
    stated = middle_on_positions(front.module, dtype)
    path = tmp_path / "kernel.py"
    path.write_text(generate(front, dtype))
    program = load_program(import_generated(path, f"{dtype}_{name.replace(' ', '_')}"))
    assert isinstance(program, SliceProgram)
    constants = program.constants({}, 3)
    x = np.ones((3, 6, 8, 3), dtype)
    side = make_side(program, x, "x1", constants, 1, _ones, diagonals=False)
    functions = {**program.tiles, **{f"own_{k}": own for k, own in enumerate(program.own)}}
    assert {schedule.name for schedule in stated.functions} == set(functions)
    for schedule in stated.functions:
        sliced = functions[schedule.name]
        table, images = Table(program, sliced, side, constants), InputImages(program, side)
        ends = (images, images), (table, table)
        worker = Worker(program, sliced, constants, *ends, threading.Event())
        held = {id(a): a.nbytes for a in vars(worker).values() if isinstance(a, np.ndarray)}
        held.pop(id(worker._constants))  # of the program, not of a group of pairs
        assert workspace_bytes(stated, schedule) == sum(held.values())
        assert sum(held.values()) <= _worker_bytes(program, sliced)


def _ones(program: SliceProgram, sliced: Any, side: Any, *_: Any) -> Any:
    """In the place of values of an input with itself, which no generated function computes here."""
    return np.ones((side.count, sliced.results))
