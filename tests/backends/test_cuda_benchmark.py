"""The benchmark for GPUs works: in a dry run, and its plain rival computes the same kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cases import Case, convolutional, fully_connected
from benchmarks.cuda import plain_kernel
from ntkc.diagnostics import Source
from ntkc.driver import Options, front_end
from ntkc.ir.interpret import interpret

pytest.importorskip("numba_cuda", reason="the CUDA backend needs numba-cuda")

ROOT = Path(__file__).parents[2]
CASES = (
    fully_connected("relu", 3, "float64"),
    convolutional("strides", "3 / 3 gap", "float64"),
    convolutional("pools", "3 p 3 p flatten", "float64", w_std="sqrt(2)", b_std=0),
)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.cuda", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_dry_run() -> None:
    """The reference case, and every line of the table, on the simulator."""
    done = run("--dry-run", NUMBA_ENABLE_CUDASIM="1", NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "fc1_relu" in done.stdout
    for name in ("fc-relu-3", "conv-21-gap", "conv-myrtle-10"):
        assert f"| {name}-float32 | 2 |" in done.stdout


def test_the_simulator_is_not_measured() -> None:
    done = run(NUMBA_ENABLE_CUDASIM="1")
    assert done.returncode == 2
    assert "no GPU to measure on" in done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_plain_rival(case: Case) -> None:
    """Twenty roundings of float64, in other orders; inputs differ, so no angle is near 0."""
    source = case.source.replace("[784]", "[9]").replace("32, 32", "4, 8")
    front = front_end(Source("<test>", source), Options())
    shape = (4, 8, 3) if case.rival_builder == "convolutional" else (9,)
    x = np.random.default_rng(8).standard_normal((3, *shape))
    found, expected = plain_kernel(np, case)(x), interpret(front.module, x, x)["ntk"]
    apart = ~np.eye(3, dtype=bool)
    # On the diagonal arccos is taken of a number that misses 1 by a rounding: sqrt(eps).
    assert np.abs(found - expected)[apart].max() <= 1e-13 * np.abs(expected).max()
    assert np.abs(found - expected).max() <= 1e-7 * np.abs(expected).max()
