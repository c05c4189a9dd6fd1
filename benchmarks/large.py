"""Kernel regression too large for a factorisation, solved to a stated residual.

Conjugate gradients with a preconditioner of low rank, on a Gram matrix that is recomputed tile by
tile at every iteration and is never whole anywhere. From the repository's root:

    python -m benchmarks.large                       # n = 50 000: nearly a hundred iterations
    python -m benchmarks.large --rows 10000          # the same problem, smaller
    python -m benchmarks.large --record              # and keep the figures

Ctrl-C is safe: with --checkpoint the same command goes on where it was stopped. The solution is
held against what the solver does not know: the kernel in float64 at some of the rows, and new rows
of the same problem.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):  # started as a script: make the package importable
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import ntkc
from benchmarks.machine import available_cores, this_machine
from benchmarks.memory import peak_mib
from ntkc import predict

RESULTS = Path(__file__).resolve().with_name("results")
NOISE = 0.1
"""The standard deviation of the targets' noise; without noise their variance is 1.3."""
_PROBED = 500
_HEADER = (
    "n", "inputs", "ridge", "rank", "iterations", "residual", "in float64", "test error",
    "peak GiB", "minutes",
)  # fmt: skip
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """One solve. `ridge` is relative to the mean diagonal; residuals relative to the targets.

    `residual`: of the system that was solved, with kernel values in `dtype`; `exact_residual`: with
    those in float64, at some rows. `test_error`: the root mean squared error on new rows, without
    noise. `seconds`: of this call, whose share of the iterations is `iterations_here`.
    """

    rows: int
    inputs: int
    dtype: str
    ridge: float
    preconditioner: str
    rank: int
    iterations: int
    iterations_here: int
    residual: float
    exact_residual: float
    condition: float
    preconditioned_condition: float
    test_error: float
    peak_mib: float
    seconds: float
    threads: int
    date: str


def source(depth: int) -> str:
    """A fully connected ReLU network."""
    return f"""
    network net {{
        input vector[?]
        {{ dense(w_std = sqrt(2), b_std = 0.1) -> relu }} * {depth}
        dense
    }}"""


def problem(rows: int, inputs: int, rng: np.random.Generator) -> tuple[NDArray[Any], Array]:
    """Standard normal inputs (rows, inputs), and three waves and a product of them."""
    x = rng.standard_normal((rows, inputs))
    waves = np.random.default_rng(1).standard_normal((inputs, 3)) / np.sqrt(inputs)
    return x, np.sin(x @ waves).sum(axis=1) + 0.3 * x[:, 0] * x[:, 1]


def solve(options: argparse.Namespace) -> Solved:
    """Pose the problem, solve it, and hold the solution against what the solver does not know."""
    rng = np.random.default_rng(0)
    x, clean = problem(options.rows, options.inputs, rng)
    y = clean + NOISE * rng.standard_normal(len(clean))
    x = x.astype(options.dtype)
    kernel = ntkc.compile(source=source(options.depth), dtype=options.dtype)
    tell = Progress(options.residual)
    start = time.monotonic()
    found = predict.regress_iteratively(
        predict.KernelTiles(kernel, x, threads=options.threads),
        y,
        ridge=options.ridge,
        ridge_scale="relative",
        tolerance=options.residual,
        preconditioner=options.preconditioner,
        rank=options.rank,
        checkpoint=options.checkpoint,
        on_iteration=tell.iteration,
        progress=tell.product,
    )
    seconds = time.monotonic() - start
    fresh, wanted = problem(options.test_rows, options.inputs, rng)
    predicted = predict.stream_predictions(kernel, fresh.astype(options.dtype), x, found.dual)
    told = found.report
    return Solved(
        rows=options.rows,
        inputs=options.inputs,
        dtype=options.dtype,
        ridge=options.ridge,
        preconditioner=told.preconditioner,
        rank=told.rank,
        iterations=told.iterations,
        iterations_here=tell.iterations,
        residual=float(told.residuals.max()),
        exact_residual=exact_residual(options.depth, x, y, found.dual, told.ridge),
        condition=told.condition,
        preconditioned_condition=told.preconditioned_condition,
        test_error=float(np.sqrt(np.mean((predicted - wanted) ** 2))),
        peak_mib=peak_mib(),
        seconds=seconds,
        threads=options.threads,
        date=time.strftime("%Y-%m-%d"),
    )


def exact_residual(depth: int, x: NDArray[Any], y: Array, dual: Array, ridge: float) -> float:
    """‖y − (K + ridge)·dual‖/‖y‖ over some rows, with K in float64."""
    kernel = ntkc.compile(source=source(depth), dtype="float64")
    rows = np.sort(np.random.default_rng(2).permutation(len(x))[:_PROBED])
    exact = x.astype(np.float64)
    own = kernel.diag(exact[rows]) * dual[rows]
    values = np.empty(len(rows))
    for place, row in enumerate(rows):
        others = np.arange(len(x)) != row  # an input is known as itself on the diagonal alone
        values[place] = predict.stream_predictions(
            kernel, exact[row : row + 1], exact[others], dual[others]
        )[0]
    missed = y[rows] - values - own - ridge * dual[rows]
    return float(np.linalg.norm(missed) / np.linalg.norm(y[rows]))


class Progress:
    """A line for each iteration, on stderr."""

    def __init__(self, goal: float) -> None:
        self.iterations = 0
        self._goal, self._started = goal, time.monotonic()

    def product(self, done: int, total: int) -> None:
        """Within a product: on a terminal, how far it is."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r  product: {done / total:4.0%} ")
            sys.stderr.flush()

    def iteration(self, number: int, residual: float) -> None:
        """After an iteration."""
        self.iterations += 1
        passed = time.monotonic() - self._started
        start = "\r" if sys.stderr.isatty() else ""
        print(
            f"{start}iteration {number}: residual {residual:.2e}, goal {self._goal:.0e}, "
            f"{passed:.0f} s",
            file=sys.stderr,
            flush=True,
        )


def table(records: Sequence[Solved]) -> str:
    """Markdown, a row a solve."""
    lines = [_HEADER, tuple("---:" for _ in _HEADER), *(_row(record) for record in records)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(record: Solved) -> tuple[str, ...]:
    whole = record.iterations == record.iterations_here
    return (
        str(record.rows),
        str(record.inputs),
        f"{record.ridge:g}",
        str(record.rank),
        str(record.iterations),
        f"{record.residual:.1e}",
        f"{record.exact_residual:.1e}",
        f"{record.test_error:.3f}",
        f"{record.peak_mib / 1024:.2f}",
        f"{record.seconds / 60:.1f}" if whole else "",
    )


def keep(record: Solved, path: Path) -> list[Solved]:
    """Put a record among those of the file, in place of one of the same problem; all of them."""
    kept = [Solved(**each) for each in json.loads(path.read_text())] if path.exists() else []

    def key(each: Solved) -> tuple[object, ...]:
        return each.rows, each.inputs, each.dtype, each.ridge, each.preconditioner, each.rank

    records = [each for each in kept if key(each) != key(record)] + [record]
    records.sort(key=key)
    path.write_text(json.dumps([asdict(each) for each in records], indent=1) + "\n")
    return records


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.large",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--rows", type=int, default=50_000, help="training rows (default: 50000)")
    made.add_argument("--test-rows", type=int, default=2000, help="default: 2000")
    made.add_argument("--inputs", type=int, default=32, help="numbers in a row (default: 32)")
    made.add_argument("--depth", type=int, default=3, help="hidden layers (default: 3)")
    made.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    made.add_argument(
        "--ridge", type=float, default=0.01, help="relative to the mean diagonal (default: 0.01)"
    )
    made.add_argument("--residual", type=float, default=1e-6, help="relative (default: 1e-6)")
    made.add_argument(
        "--preconditioner", choices=("cholesky", "nystrom", "none"), default="cholesky"
    )
    made.add_argument(
        "--rank", type=int, default=1024, help="of the preconditioner (default: 1024)"
    )
    made.add_argument(
        "--threads", type=int, default=available_cores(), help="of the kernel (default: all cores)"
    )
    made.add_argument("--checkpoint", metavar="FILE.npz", help="save here, and go on from here")
    made.add_argument("--record", action="store_true", help="keep the figures in results/")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Solve, and print what it took."""
    options = parser().parse_args(words)
    try:
        record = solve(options)
    except KeyboardInterrupt:
        kept = options.checkpoint is not None and Path(options.checkpoint).exists()
        more = f"; the same command goes on from {options.checkpoint}" if kept else ""
        print(f"\ninterrupted{more}", file=sys.stderr)
        return 130
    records = [record]
    if options.record:
        records = keep(record, RESULTS / f"{this_machine().name}-large.json")
    print(table(records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
