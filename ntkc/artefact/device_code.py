"""What CUDA kernels become: PTX, and what ptxas says a thread needs. No GPU is used."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Function = Callable[..., object]


class NoDeviceCodeError(Exception):
    """There is no PTX to be had here."""


@dataclass(frozen=True)
class Resources:
    """What one kernel takes: `registers` of a thread; bytes of a thread and of a block."""

    registers: int
    spilled: int
    """Bytes of registers that a thread stores to memory and loads again."""
    stack: int
    """Bytes of a thread's own memory: arrays that do not fit into registers."""
    shared: int
    """Bytes of shared memory of a block."""


def tile_types(dtype: str, kind: str) -> tuple[Any, ...]:
    """The argument types of a generated `tile` function, or of one for `near` pairs.

    `dtype` is the program's. Arrays are C-contiguous; whole numbers have 64 bits.
    """
    from numba import boolean, float32, float64, int32, int64

    own = float32 if dtype == "float32" else float64
    number = own if kind == "tile" else float64
    table = [number[::1], int64, int64]
    common = [*table, *table, number[::1], number[::1], number[::1]]
    lists = [int32[::1], int32[::1]]
    if kind == "tile":
        return (own[::1], own[::1], int64, int64, int64, *common, own, *lists, boolean)
    inputs = float64[:, ::1]
    return (own[::1], own[::1], int64, int64, *common, inputs, inputs, *lists)


def segment_types(dtype: str) -> tuple[Any, ...]:
    """The argument types of a generated kernel of a segment of slices, in `dtype`."""
    from numba import float32, float64, int64

    own = float32 if dtype == "float32" else float64
    numbers, whole, sums = own[::1], int64[::1], float64[::1]
    return (*[numbers] * 5, whole, whole, numbers, numbers, sums, sums)


def final_types(dtype: str) -> tuple[Any, ...]:
    """Those of the kernel that ends a pair."""
    from numba import float32, float64, int64

    own = float32 if dtype == "float32" else float64
    numbers, whole, sums = own[::1], int64[::1], float64[::1]
    return (*[numbers] * 3, whole, whole, sums, sums)


def ptx(function: Any, types: Sequence[Any], capability: tuple[int, int] = (9, 0)) -> str:
    """The PTX of a CUDA kernel. Raises `NoDeviceCodeError` where numba-cuda cannot make any."""
    if find_spec("numba_cuda") is None:
        raise NoDeviceCodeError("numba-cuda is not installed: pip install 'ntkc[cuda]'")
    from numba import config, cuda

    if getattr(config, "ENABLE_CUDASIM", False):
        raise NoDeviceCodeError("NUMBA_ENABLE_CUDASIM is set: kernels are interpreted")
    try:
        with _pretended(capability):
            text, _ = cuda.compile(
                function.py_func,
                tuple(types),
                device=False,
                abi="numba",
                cc=capability,
                output="ptx",
            )
    except (OSError, RuntimeError, ImportError) as error:
        raise NoDeviceCodeError(f"numba-cuda finds no NVVM compiler: {error}") from None
    return str(text)


@contextmanager
def _pretended(capability: tuple[int, int]) -> Iterator[None]:
    """Functions that a kernel calls are compiled for the current device; here there is none.

    Numba keeps what it made of them, whatever the capability, and no code of ours depends on it.
    """
    from numba.cuda import dispatcher

    found = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = found


def find_ptxas() -> Path | None:
    """NVIDIA's assembler: on the path, or in the packages `nvidia-cuda-nvcc`."""
    found = shutil.which("ptxas")
    if found is not None:
        return Path(found)
    for folder in map(Path, sys.path):
        for place in sorted(folder.glob("nvidia/*/bin/ptxas")):
            return place
    return None


def resources(text: str, capability: tuple[int, int] = (9, 0)) -> Resources:
    """What ptxas says of a kernel. Raises `NoDeviceCodeError` without ptxas, or if it fails."""
    ptxas = find_ptxas()
    if ptxas is None:
        raise NoDeviceCodeError("ptxas is not installed: pip install nvidia-cuda-nvcc")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(text, encoding="utf-8")
        target = f"-arch=sm_{capability[0]}{capability[1]}"
        command = [str(ptxas), "-v", target, str(source), "-o", str(source.with_suffix(".cubin"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDeviceCodeError(f"ptxas: {done.stderr.strip()}")
    report = done.stderr + done.stdout
    return Resources(
        _greatest(r"Used (\d+) registers", report),
        _greatest(r"(\d+) bytes spill stores", report) + _greatest(r"(\d+) bytes spill l", report),
        _greatest(r"(\d+) bytes stack frame", report),
        _greatest(r"(\d+) bytes smem", report),
    )


def _greatest(pattern: str, report: str) -> int:
    return max(map(int, re.findall(pattern, report)), default=0)
