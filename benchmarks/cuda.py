"""The CUDA backend on a real GPU: right first, then how fast, beside JAX on the same device.

    python -m benchmarks.cuda                 everything; a table at the end
    python -m benchmarks.cuda --small         minutes less: fewer inputs
    python -m benchmarks.cuda --check-only    the reference cases alone
    python -m benchmarks.cuda --dry-run       tiny sizes, on Numba's simulator too: does it work?

A call is timed from the inputs on the device to the result there, with the device synchronised
before each reading of the clock, after a call that compiles; the median of some repetitions is
shown. The rival is neural-tangents where it is installed with a JAX for the GPU, otherwise the same
recursion in plain JAX (`sides/plain.py`); what both say of its inputs is compared. Where there is
no GPU the script says so and ends with status 2.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import ntkc
from benchmarks.cases import Case, convolutional, fully_connected
from benchmarks.sides import plain
from ntkc.runtime import Kernel
from ntkc.runtime.cuda.devices import search, simulated
from ntkc.runtime.cuda.product import cupy
from ntkc.runtime.errors import DeviceError, KernelError

REFERENCE = Path(__file__).parents[1] / "tests" / "reference"
TOLERANCES = {"float64": 1e-10, "float32": 1e-5}
"""Relative to sqrt(k(x, x) k(z, z)), as tests/backends/test_reference.py has them."""
COINCIDENT = 1e-7
"""The stored values are good to that where inputs coincide: their rho was clipped."""
REPETITIONS = 5
DRY = ("fc1_relu",)
"""The reference case that a dry run checks."""


def cases(small: bool, tiny: bool = False) -> Iterator[Case]:
    """What is measured; `small` shrinks the batches, not the networks, and `tiny` shrinks both."""
    for dtype in ("float32",) if tiny else ("float32", "float64"):
        n = 2000 if small else 20_000
        case = replace(fully_connected("relu", 3, dtype, n=n), rival_n=min(n, 5000))
        yield _shrunk(case) if tiny else case
        for name, blocks in (
            ("21-gap", "3 3 gap" if tiny else " ".join(["3"] * 21 + ["gap"])),
            ("myrtle-10", "3 p 3 flatten" if tiny else "3 3 3 p 3 3 3 p 3 3 3 p p p flatten"),
        ):
            n = 16 if small else 128
            case = convolutional(name, blocks, dtype, w_std="sqrt(2)", b_std=0, n=n, rival_n=8)
            yield _shrunk(case) if tiny else case


def _shrunk(case: Case) -> Case:
    """The same for two inputs of a few numbers."""
    source, shape = case.source.replace("vector[784]", "vector[6]"), (6,)
    if case.rival_builder == "convolutional":
        source, shape = source.replace("image[32, 32, 3]", "image[2, 4, 2]"), (2, 4, 2)
    return replace(case, source=source, input_shape=shape, product_n=2, rival_n=2)


def check(names: tuple[str, ...] = ("*",)) -> list[str]:
    """The reference cases that are not met, in words; those that the language refuses are named."""
    failures: list[str] = []
    for path in sorted(path for name in names for path in REFERENCE.glob(f"{name}.npz")):
        source = path.with_suffix(".ntk").read_text(encoding="utf-8")
        with np.load(path) as stored:
            values = dict(stored)
        for dtype in TOLERANCES:
            try:
                worst = deviation(source, dtype, values)
            except ntkc.NtkError as error:
                print(f"{path.stem:<24} {dtype}: refused: {str(error).splitlines()[0]}")
                continue
            except KernelError as error:
                failures.append(f"{path.stem} in {dtype}: {error}")
                continue
            print(f"{path.stem:<24} {dtype}: {worst:.1e} of what is allowed")
            if not worst <= 1.0:
                failures.append(f"{path.stem} in {dtype}: {worst:.2g} times the tolerance")
    return failures


def deviation(source: str, dtype: str, values: dict[str, Any]) -> float:
    """The largest error of a reference case, in units of the tolerance."""
    x1, x2 = values["x1"], values["x2"]
    kernel = ntkc.compile(source=source, backend="cuda", dtype=dtype)
    found = kernel(x1, x2, get=("nngp", "ntk"))
    diagonals = [kernel.diag(x, get=("nngp", "ntk")) for x in (x1, x2)]
    flat = [x.reshape(len(x), -1) for x in (x1, x2)]
    same = (flat[0][:, None, :] == flat[1][None, :, :]).all(axis=2)
    worst = 0.0
    for root in ("nngp", "ntk"):
        first, second = (getattr(d, root).astype(np.float64) for d in diagonals)
        limit = np.where(same, max(COINCIDENT, TOLERANCES[dtype]), TOLERANCES[dtype])
        limit = limit * np.sqrt(np.outer(first, second))
        worst = max(worst, float((np.abs(getattr(found, root) - values[root]) / limit).max()))
    return worst


def inputs(case: Case, n: int) -> Any:
    """Random inputs: what is timed does not depend on what they hold."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, *case.input_shape)).astype(case.dtype)


def product(case: Case, repetitions: int) -> tuple[Kernel, float]:
    """Our kernel, and the seconds of one call."""
    from numba import cuda

    kernel = ntkc.compile(source=case.source, backend="cuda", dtype=case.dtype)
    batch = cuda.to_device(inputs(case, case.product_n))
    return kernel, timed(lambda: kernel(batch), cuda.synchronize, repetitions)


@dataclass(frozen=True)
class Rival:
    """Who, the seconds of one call on the same GPU, and what it says of `rival_n` inputs."""

    name: str
    seconds: float
    values: Any


def rival(case: Case) -> Rival | None:
    """None where there is no JAX for the GPU."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # or it takes all memory
    try:
        import jax
    except ImportError:
        return None
    if jax.default_backend() != "gpu":
        return None
    jax.config.update("jax_enable_x64", case.dtype == "float64")
    jax.config.update("jax_default_matmul_precision", "highest")  # no TF32, as the product
    name, made = rival_kernel(case, jax.numpy)
    kernel, batch = jax.jit(made), jax.device_put(inputs(case, case.rival_n))
    seconds = timed(lambda: kernel(batch).block_until_ready(), lambda: None)
    return Rival(name, seconds, np.asarray(kernel(batch)))


def rival_kernel(case: Case, xp: Any) -> tuple[str, Callable[[Any], Any]]:
    """neural-tangents where it can be used with this JAX, else plain array code."""
    try:
        from benchmarks.sides import rival_networks

        made = getattr(rival_networks, case.rival_builder)(**case.rival_arguments)
    except (ImportError, AttributeError):  # not there, or for an older JAX
        return "plain JAX", plain_kernel(xp, case)
    return "neural-tangents", lambda x: made(x, None, "ntk")


def plain_kernel(xp: Any, case: Case) -> plain.Kernel:
    """The case in plain array code."""
    made: plain.Kernel = getattr(plain, case.rival_builder)(xp, **case.rival_arguments)
    return made


def timed(
    call: Callable[[], object],
    synchronise: Callable[[], object],
    repetitions: int = REPETITIONS,
) -> float:
    """The median seconds of a call, after one that is not counted."""
    call()
    seconds = []
    for _ in range(repetitions):
        synchronise()
        start = time.perf_counter()
        call()
        synchronise()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def measure(case: Case, repetitions: int = REPETITIONS) -> str:
    """A line of the table: for us, microseconds a pair of the triangle that is computed."""
    kernel, ours = product(case, repetitions)
    pairs = case.product_n * (case.product_n + 1) / 2
    line = f"| {case.name} | {case.product_n} | {ours:.3f} | {1e6 * ours / pairs:.4g} |"
    found = rival(case)
    if found is None:
        return f"{line} no JAX for this GPU | | |"
    ratio = found.seconds / case.rival_n**2 / (ours / case.product_n**2)
    apart = difference(kernel(inputs(case, case.rival_n)), found.values)
    told = f"{found.name}: {found.seconds:.3f} (n = {case.rival_n})"
    return f"{line} {told} | {ratio:.1f} | {apart:.1e} |"


def difference(ours: Any, theirs: Any) -> float:
    """The largest between two matrices, of the largest entry; diagonals apart, where a rival that
    takes arccos of products loses half of its digits.
    """
    apart = ~np.eye(len(ours), dtype=bool)
    return float(np.abs(ours - theirs)[apart].max() / np.abs(theirs).max())


def main(arguments: list[str] | None = None) -> int:
    """Check, measure, print; 2 without a GPU, 1 where a reference case is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="fewer inputs")
    parser.add_argument("--check-only", action="store_true", help="the reference cases alone")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes: does it work?")
    options = parser.parse_args(arguments)
    found, dry = search(), bool(options.dry_run)
    if (simulated() and not dry) or not found.devices:
        print(f"no GPU to measure on: {'; '.join(found.findings)}", file=sys.stderr)
        return 2
    products = "CuPy's cuBLAS" if cupy() is not None else "our own kernel"
    print("\n".join(map(str, found.devices)), f"products by {products}", sep="\n")
    try:
        failures = check(DRY if dry else ("*",))
    except DeviceError as error:
        print(error, file=sys.stderr)
        return 2
    if failures:
        print("wrong:", *failures, sep="\n  ", file=sys.stderr)
        return 1
    if not options.check_only:
        print("\n| case | n | seconds | us a pair | rival, s | times faster, an entry | apart |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for case in cases(options.small, dry):
            print(measure(case, 1 if dry else REPETITIONS), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
