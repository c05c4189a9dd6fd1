"""Run networks by their CUDA kernels under Numba's simulator, for `test_cuda_slices`.

The simulator is chosen when Numba is imported, so that this runs in a process of its own: it reads
pairs (dtype, program) as JSON, and writes for each the largest error of its kernels, relative to
their largest entry, against the interpreter.
"""

from __future__ import annotations

import json
import sys
import tempfile
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

import numpy as np

from ntkc.diagnostics import Source
from ntkc.driver import Options, emitted_kernels, emitted_slices, front_end, middle_on_positions
from ntkc.ir.interpret import interpret
from ntkc.passes.diagonals import diagonals
from ntkc.runtime import load_program
from ntkc.runtime.cuda.placement import Placement
from ntkc.runtime.cuda.slices import fill
from ntkc.runtime.generated import import_generated
from ntkc.runtime.slice_program import SliceProgram
from ntkc.runtime.threads import Reporter
from ntkc.schedule.slices.packs import Target

TINY = Target("tiny", 48 * 1024, 192 * 1024, threads_per_block=64, warp=2)
"""Few threads, for each is one of Python's; strips and groups come about on small images."""
NARROW = Target("narrow", 64, 192 * 1024, threads_per_block=8, warp=2)
"""No room in shared memory, and fewer threads than cells."""
ROOTS = ("nngp", "ntk")


def loaded(text: str, folder: Path) -> ModuleType:
    """A generated module."""
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    path = folder / f"k{digest}.py"
    path.write_text(text, encoding="utf-8")
    return import_generated(path, digest)


def error(text: str, dtype: str, target: Target, memory: int, folder: Path) -> float:
    """The largest error of a network's cross-Gram matrix, Gram matrix and diagonal."""
    front = front_end(Source("<test>", text), Options(dtype=dtype))
    schedule = middle_on_positions(front.module, dtype)
    program = load_program(loaded(emitted_slices(front, schedule), folder))
    assert isinstance(program, SliceProgram)
    kernels = loaded(emitted_kernels(front, schedule, target), folder)
    rng = np.random.default_rng(7)
    sizes = tuple(size or 0 for size in program.input_sizes)
    x1, x2 = rng.standard_normal((2, *sizes)), rng.standard_normal((1, *sizes))
    constants = program.constants(dict(program.parameters), x1[0].size)
    module = diagonals(front_end(Source("<test>", text), Options()).module)
    worst = 0.0
    for inputs in ([x1, x2], [x1]):
        found = [np.zeros((2, len(inputs[-1])), dtype) for _ in ROOTS]
        place = Placement((None,) * len(inputs), found, (0,), 1, memory)
        fill(program, kernels, ROOTS, constants, inputs, place, Reporter(None, 1))
        expected = interpret(module, inputs[0], inputs[-1])
        for root, values in zip(ROOTS, found, strict=True):
            exact = expected[root].copy()
            if len(inputs) == 1:
                np.fill_diagonal(exact, expected[f"{root}_diagonal"])
            worst = max(worst, float(np.abs(values - exact).max() / np.abs(exact).max()))
            if not np.isfinite(values).all():
                return float("inf")
    return worst


def main() -> None:
    """Errors of what standard input asks for."""
    with tempfile.TemporaryDirectory() as folder:
        errors = [
            error(text, dtype, NARROW if narrow else TINY, memory, Path(folder))
            for text, dtype, narrow, memory in json.load(sys.stdin)
        ]
    json.dump(errors, sys.stdout)


if __name__ == "__main__":
    main()
