"""The benchmark for GPUs works: in a dry run, and its plain rival computes the same kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cuda as benchmark
from benchmarks.cases import Case, convolutional, fully_connected
from benchmarks.cuda import Rival, difference, measure, plain_kernel
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


def test_a_line_beside_a_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of a square for both, pairs of a triangle for us; the diagonal is not compared."""
    case = replace(CASES[0], product_n=3, rival_n=2)
    ours = np.array([[9.0, 1.0], [1.0, 9.0]])
    theirs = Rival("another", 0.4, ours + np.array([[5.0, 0.0], [0.09, 0.0]]))
    monkeypatch.setattr(benchmark, "product", lambda *_: (lambda x: ours, 0.3))
    monkeypatch.setattr(benchmark, "rival", lambda _: theirs)
    line = measure(case)
    assert line.startswith("| fc-relu-3-float64 | 3 | 0.300 | 5e+04 | another: 0.400 (n = 2) |")
    assert line.endswith(f"| 3.0 | {0.09 / 14:.1e} |")
    assert difference(ours, ours) == 0.0
