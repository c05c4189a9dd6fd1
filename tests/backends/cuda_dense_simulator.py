"""Run networks on vectors by their CUDA kernels under Numba's simulator, for `test_cuda_dense`.

The simulator is chosen when Numba is imported, so that this runs in a process of its own: it writes
what it found as JSON, and the tests judge it. Every simulated thread is one of Python's: sizes are
small.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

import ntkc
from ntkc.runtime import ArgumentError, ArrayError, ArrayTypeError, MemoryBudgetError
from tests.backends.cuda_zoo import VECTORS
from tests.backends.kernels import BASE, at_angles, network, worst

ZOO = {
    "relu": network("{ dense(w_std = sqrt(2)) -> relu } * 3", "dense"),
    "relu with bias": network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3", "dense"),
    "erf": network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 2", "dense"),
    "gelu": network("dense(b_std = 0.1) -> gelu", "dense"),
    "exp": network("dense(w_std = 0.7) -> gaussian", "dense"),
    "hard": network("dense(b_std = 0.1) -> relu6", "dense"),
    "certified": network("dense(b_std = 0.1) -> tanh", "dense"),
    "linear": network("dense(w_std = 1.3, b_std = 0.2)"),
    "residual": network(
        "dense", "add(identity, relu -> dense(w_std = w)) * 3", "relu", "dense",
        before="param w = 0.5\n",
    ),
    "alternating": network("{ dense -> relu -> dense(b_std = 0.1) -> erf } * 4", "dense"),
}  # fmt: skip
EXPONENTIAL = {
    name: network(f"dense(b_std = 0.1) -> {name}", "dense") for name in ("elu", "selu", "celu(0.7)")
}
FIRST = np.stack([BASE, 0 * BASE])
SECOND = np.concatenate(
    [
        at_angles(BASE, [0.0, 1e-8, 1e-4, 0.05, 1.0, 3.0, np.pi - 1e-6]),
        np.outer([2.0, 0.0, -1.0], BASE),
    ]
)
RNG = np.random.default_rng(5)
ROWS = np.concatenate([RNG.standard_normal((17, 7)), BASE[None], BASE[None]])


def made(text: str, dtype: str = "float64") -> Any:
    return ntkc.compile(source=text, backend="cuda", dtype=dtype)


def accuracy(zoo: dict[str, str] = ZOO) -> dict[str, float]:
    """The largest errors of the zoo against 40 digits."""
    found = {}
    for name, text in zoo.items():
        for dtype in ("float64", "float32"):
            rows = [x.astype(dtype) for x in (FIRST, SECOND)]
            found[f"{name} {dtype}"] = worst(made(text, dtype), text, *rows)
    return found


def batches() -> dict[str, Any]:
    """The same matrix, whole and in many tiles, beside the processor's."""
    text = ZOO["relu with bias"]
    kernel, reports = made(text), []
    whole = kernel(ROWS, get=("nngp", "ntk"))
    small = kernel(ROWS, get=("nngp", "ntk"), memory=20_000, progress=lambda *a: reports.append(a))
    processor = ntkc.compile(source=text, backend="cpu")(ROWS, get=("nngp", "ntk"))
    return {
        "same": all((a == b).all() for a, b in zip(whole, small, strict=True)),
        "symmetric": all(bool((a == a.T).all()) for a in whole),
        "processor": max(float(np.abs(a - b).max()) for a, b in zip(whole, processor, strict=True)),
        "last report": reports[-1],
        "too little": raised(lambda: kernel(ROWS, memory=100), MemoryBudgetError),
        "interrupt": raised(lambda: kernel(ROWS, progress=stop), KeyboardInterrupt),
    }


def stop(done: int, total: int) -> None:
    raise KeyboardInterrupt("enough")


def raised(call: Callable[[], object], kind: type[BaseException]) -> str:
    """What a call says when it fails."""
    try:
        call()
    except kind as error:
        return str(error)
    return "nothing was raised"


def lost() -> dict[str, str]:
    """What is told of a value that is no number, in results on the host and on the device."""
    from ntkc.runtime.cuda import evaluate

    kernel, multiply = made(ZOO["gelu"]), evaluate.multiply

    def broken(x: Any, z: Any, values: Any, stream: Any) -> None:
        multiply(x, z, values, stream)
        values[2] = np.nan

    vars(evaluate)["multiply"] = broken
    rows = np.stack([BASE, 2 * BASE, -BASE])
    return {
        "host": raised(lambda: kernel(rows), ArrayError),
        "device": raised(lambda: kernel(cuda.to_device(rows)), ArrayError),
    }


def devices() -> dict[str, Any]:
    """Inputs and results that lie on the device, and results in arrays brought along."""
    kernel = made(ZOO["relu"])
    gram, cross = kernel(ROWS[:4]), kernel(ROWS[:4], ROWS[2:5])
    on_device = kernel(cuda.to_device(ROWS[:4]))
    mixed = kernel(cuda.to_device(ROWS[:4]), ROWS[2:5])
    place = cuda.device_array((4, 3), np.float64)
    returned = kernel(ROWS[:4], ROWS[2:5], out=place)
    host = np.empty((3, 4)).T
    kernel(ROWS[:4], ROWS[2:5], out=host)
    wrong = cuda.device_array((4, 4), np.float32)
    several = cuda.to_device(ROWS[:19])
    tiled = kernel(several, memory=12_000)
    return {
        "stays": all(hasattr(k, "copy_to_host") for k in (on_device, mixed, tiled)),
        "gram": bool((on_device.copy_to_host() == gram).all()),
        "cross": bool((mixed.copy_to_host() == cross).all()),
        "out": bool((place.copy_to_host() == cross).all()) and returned is place,
        "host out": bool((host == cross).all()),
        "tiled": bool((tiled.copy_to_host() == kernel(ROWS[:19])).all()),
        "wrong shape": raised(lambda: kernel(ROWS[:4], ROWS[2:5], out=wrong), ArgumentError),
        "wrong dtype": raised(lambda: kernel(ROWS[:4], out=wrong), ArgumentError),
        "mixed out": raised(
            lambda: kernel(ROWS[:4], get=("nngp", "ntk"), out=(np.empty((4, 4)), wrong)),
            ArgumentError,
        ),
        "dlpack": bool((kernel(DLPackAlone(ROWS[:4])) == gram).all()),
        "empty": list(kernel(ROWS[:0], ROWS[:3]).shape),
        "elsewhere": raised(lambda: kernel(Elsewhere()), ArrayError),
        "backwards": raised(lambda: kernel(cuda.to_device(ROWS)[::-1]), ArrayError),
        "without CuPy": raised(lambda: kernel(Elsewhere(0)), ArrayTypeError),
        "variable": raised(lambda: kernel(Variable(0)), ArrayTypeError),
        "described": kernel.devices[0],
    }


class DLPackAlone:
    """An array of another library's: it speaks DLPack and nothing else."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()


class Elsewhere(DLPackAlone):
    """One on some GPU."""

    def __init__(self, number: int = 1) -> None:
        self._number = number

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self._number


class Variable(Elsewhere):
    """One that keeps its memory to itself, as PyTorch's do which record gradients."""

    @property
    def __cuda_array_interface__(self) -> Any:
        raise RuntimeError("detach it first")


def saved() -> dict[str, Any]:
    """A folder for GPUs, imported where only it is to be found."""
    import subprocess

    kernel = made(ZOO["erf"])
    with tempfile.TemporaryDirectory() as folder:
        kernel.save(folder)
        code = (
            "import sys, numpy as np; from net import kernel;"
            "x = np.arange(14.0).reshape(2, 7);"
            "assert not {'sympy', 'lark', 'ntkc'} & set(sys.modules);"
            "print(kernel(x)[0, 1])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
        )
    expected = float(kernel(np.arange(14.0).reshape(2, 7))[0, 1])
    return {"same": done.stdout.strip() == str(expected), "error": done.stderr[-500:]}


def table() -> dict[str, Any]:
    """A table of polynomials, beside the processor's: coincident, near and opposite rows too."""
    text = VECTORS["table"]
    turned = at_angles(BASE, [0.0, 1e-9, 1e-6, 1e-3, 0.05, 1.0, 2.5, np.pi - 1e-6])
    rows = np.concatenate([turned, -BASE[None], ROWS])
    rows /= np.sqrt((rows * rows).mean(axis=1, keepdims=True))
    found = {}
    for dtype in ("float64", "float32"):
        gpu, cpu = (
            ntkc.compile(source=text, backend=b, dtype=dtype)(rows.astype(dtype), get="ntk")
            for b in ("cuda", "cpu")
        )
        found[dtype] = float(np.abs(gpu / cpu - 1).max())
    return found


CHECKS: dict[str, Callable[[], Any]] = {
    "accuracy": accuracy,
    "exponential": lambda: accuracy(EXPONENTIAL),
    "batches": batches,
    "devices": devices,
    "lost": lost,
    "saved": saved,
    "table": table,
}

if __name__ == "__main__":
    json.dump(CHECKS[sys.argv[1]](), sys.stdout)
