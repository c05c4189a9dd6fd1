"""Displacement slices on CUDA: kernels run by the simulator, and compiled to PTX and by ptxas."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ntkc.diagnostics import Source
from ntkc.driver import Options, emitted_kernels, front_end, middle_on_positions
from ntkc.schedule.slices.packs import TARGETS, block
from tests.backends.test_slices import ZOO, network

pytest.importorskip("numba_cuda", reason="the CUDA backend needs numba-cuda")

ROOT = Path(__file__).parents[2]
MEMORY = 2**24
QUICK = (
    "valid", "strides", "dilation", "wide", "circular", "mixed", "local", "transposed",
    "residual", "dropout", "norm", "tail",
)  # fmt: skip
SEQUENCE = network(
    "conv(3, padding = same) -> relu -> avg_pool(2) -> conv(2) -> relu -> flatten", "sequence[5, 3]"
)
VOLUME = network("conv(1x2x3, padding = same) -> relu -> global_avg_pool", "volume[2, 2, 3, 2]")
LARGE = network("conv(8x7, padding = same) -> relu -> global_avg_pool", "image[3, 3, 9]")


def simulated(cases: list[tuple[str, str, bool, int]]) -> list[float]:
    """Errors of (program, dtype, whether the device is narrow, its memory)."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    found = subprocess.run(
        [sys.executable, str(ROOT / "tests/backends/cuda_simulator.py")],
        input=json.dumps(cases),
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-3000:]
    errors: list[float] = json.loads(found.stdout)
    return errors


def near(cases: list[tuple[str, str, bool, int]]) -> None:
    """Float64: a few dozen roundings. Float32: the same, of 6e-8 each, in sums of many entries."""
    for case, error in zip(cases, simulated(cases), strict=True):
        assert error <= (1e-12 if case[1] == "float64" else 3e-6), (error, case)


def test_simulated_zoo() -> None:
    near([(network(ZOO[name]), "float64", False, MEMORY) for name in QUICK])


@pytest.mark.slow
def test_simulated_zoo_in_full() -> None:
    near([(network(ZOO[n]), t, False, MEMORY) for n in ZOO for t in ("float64", "float32")])


def test_simulated_spaces_and_float32() -> None:
    texts = [SEQUENCE, VOLUME, LARGE]
    near([(text, "float64", False, MEMORY) for text in texts])
    near([(text, "float32", False, MEMORY) for text in [SEQUENCE, network(ZOO["strides"])]])


def test_slots_in_scratch_and_one_pair_at_a_time() -> None:
    """A device without room in shared memory, whose memory holds one pair."""
    texts = [network(ZOO["strides"]), SEQUENCE]
    near([(text, "float64", True, 12_000) for text in texts])


# --- machine code ------------------------------------------------------------------------


def ptxas() -> str | None:
    """The assembler: of a wheel, or on the path."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations or [] if spec else []:
        found = Path(folder) / "cu13" / "bin" / "ptxas"
        if found.exists():
            return str(found)
    return shutil.which("ptxas")


def signature(arguments: int, dtype: str) -> tuple[Any, ...]:
    from numba import types

    real = types.Array(getattr(types, dtype), 1, "C")
    whole, double = types.Array(types.int64, 1, "C"), types.Array(types.float64, 1, "C")
    if arguments == 11:
        return (real,) * 5 + (whole,) * 2 + (real,) * 2 + (double,) * 2
    return (real,) * 3 + (whole,) * 2 + (double,) * 2


def assembled(text: str, dtype: str, arch: str, folder: Path) -> list[tuple[int, int]]:
    """(registers, bytes spilled) of every kernel of the tangent kernel's function."""
    from numba import cuda

    from ntkc.runtime.generated import import_generated

    program = ptxas()
    if program is None:
        pytest.skip("no ptxas: it comes with the package nvidia-cuda-nvcc")
    front = front_end(Source("<test>", text), Options(dtype=dtype))
    schedule = middle_on_positions(front.module, dtype)
    path = folder / f"kernels_{dtype}_{arch}.py"
    path.write_text(emitted_kernels(front, schedule, TARGETS[arch]), encoding="utf-8")
    listing = import_generated(path, path.stem).KERNELS["nngp+ntk"]
    found = []
    for kernel in [*(k for k, _ in listing["segments"]), listing["final"]]:
        arguments = signature(kernel.py_func.__code__.co_argcount, dtype)
        capability = int(arch[3]), int(arch[4])
        ptx, _ = cuda.compile(
            kernel.py_func, arguments, device=False, abi="numba", cc=capability, output="ptx"
        )
        source = folder / "kernel.ptx"
        source.write_text(ptx if isinstance(ptx, str) else ptx.decode())
        report = subprocess.run(
            [program, "-v", f"-arch={arch}", str(source), "-o", str(folder / "kernel.cubin")],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
        registers = re.search(r"Used (\d+) registers", report)
        spilled = re.search(r"(\d+) bytes spill stores", report)
        assert registers is not None
        assert spilled is not None
        found.append((int(registers[1]), int(spilled[1])))
    return found


@pytest.mark.parametrize("arch", TARGETS)
def test_nothing_is_spilled(arch: str, tmp_path: Path) -> None:
    """And two blocks of 256 threads fit into a processor's 65536 registers."""
    text = network(
        "conv(3x3, @) -> relu -> avg_pool(2x2) -> conv(3x3, @) -> relu -> global_avg_pool",
        "image[4, 4, 3]",
    )
    for registers, spilled in assembled(text, "float32", arch, tmp_path):
        assert spilled == 0
        assert registers <= 128


def test_float64_and_smooth_activations_compile(tmp_path: Path) -> None:
    """What the simulator does not see: Python's own types are no device's."""
    text = network(
        "conv(2x2, @) -> gelu -> conv_transpose(1x1) -> erf -> flatten", "image[2, 2, 2]"
    )
    for dtype in ("float32", "float64"):
        assert assembled(text, dtype, "sm_90", tmp_path)


def test_blocks_fit_the_device() -> None:
    """32 x 32: a plane of 1024 cells is 128 strips of 8, and all its slices are 1024 packs."""
    text = network("conv(3x3, @) -> relu -> global_avg_pool", "image[32, 32, 3]")
    for dtype, strip in (("float32", 8), ("float64", 4)):
        front = front_end(Source("<test>", text), Options(dtype=dtype))
        schedule = middle_on_positions(front.module, dtype).tiles["nngp+ntk"]
        for target in TARGETS.values():
            shape = block(schedule, schedule.segments[0], dtype, target)
            assert (shape.strip, shape.packs.count) == (strip, 32 * 32)
            assert shape.threads * shape.strip == 32 * 32
            assert shape.shared
            item = 4 if dtype == "float32" else 8
            assert shape.size * shape.group * item <= target.shared_per_block
