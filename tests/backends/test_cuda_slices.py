"""Displacement slices on CUDA: kernels run by the simulator, and compiled to PTX and by ptxas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ntkc.diagnostics import Source
from ntkc.driver import Options, front_end, middle_on_positions
from ntkc.runtime.cuda.plan import make_slice_plan
from ntkc.runtime.errors import MemoryBudgetError
from ntkc.schedule.slices.packs import TARGETS, Block, block
from ntkc.schedule.slices.program import Geometry
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

SERIES = network("conv(2, @, b_std = 0.1) -> tanh -> flatten", "sequence[3, 2]")
EXPONENTIAL = network(
    "conv(2, @, b_std = 0.1) -> elu -> conv(2) -> celu(0.7) -> flatten", "sequence[3, 2]"
)


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


def test_simulated_series() -> None:
    """Cells of so many terms that their lines are put in an order of their own."""
    near([(SERIES, "float64", False, MEMORY)])


@pytest.mark.slow
def test_simulated_exponentials() -> None:
    near([(EXPONENTIAL, dtype, False, MEMORY) for dtype in ("float64", "float32")])


def test_slots_in_scratch_and_one_pair_at_a_time() -> None:
    """A device without room in shared memory, whose memory holds one pair."""
    texts = [network(ZOO["strides"]), SEQUENCE]
    near([(text, "float64", True, 12_000) for text in texts])


def test_calls() -> None:
    """As users call: batches, arrays on a device, diagonals, gradients, interrupts."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.backends.cuda_runtime_simulator"],
        cwd=ROOT,
        # Python runs the processor's part as it is: what is compared is what runs where.
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    for what in (
        "same", "symmetric", "cross", "stays", "device", "out", "integers", "strided",
        "guarded",
    ):  # fmt: skip
        assert found[what], what
    for what in ("processor", "diag", "value", "gradient"):
        assert found[what] <= 1e-14, what  # some roundings of values near 1
    assert found["last report"] == [16, 16]
    assert "one pair needs" in found["too little"]
    assert found["interrupt"] == "enough"
    assert found["empty"] == [0, 4]
    for words in found["lost"].values():
        assert words.startswith("the kernel of row 1 of x1 and row 2 of x1 is lost to rounding in")
    # Some tens of roundings, and one: products alone leave 5e-9 of images 1e-8 apart.
    assert found["near"]["float64"] <= 1e-14
    assert found["near"]["float32"] <= 1e-7
    assert found["near"]["float64 symmetric"] == found["near"]["float32 symmetric"] == 1.0


# --- plans -------------------------------------------------------------------------------


def test_plans() -> None:
    """Batches that fill a device, inputs that stay where they fit, and one pair at the least."""
    gib = 2**30
    large = make_slice_plan([1000], 2**16, 2**18, 22 * 10**6, 40 * gib, 2, 1)
    assert (large.batch, large.resident, large.workers) == (10**11 // (22 * 10**6), True, 2)
    assert large.edge**2 <= large.batch
    spread = make_slice_plan([1000], 2**16, 2**18, 10**4, 40 * gib, 2, 8)
    assert spread.batch * 8 * 2 >= 1000**2 / 2  # every worker of eight devices has a batch
    streamed = make_slice_plan([10**6], 2**16, 2**18, 22 * 10**6, 40 * gib, 2, 1)
    assert not streamed.resident
    assert streamed.workers * (2 * streamed.edge * 2**18 + streamed.batch * 2**16) <= 40 * gib
    tight = make_slice_plan([1000], 2**16, 2**18, 22 * 10**6, 2**16 + 2**19, 2, 1)
    assert (tight.batch, tight.edge, tight.workers) == (1, 1, 1)
    with pytest.raises(MemoryBudgetError, match=f"needs {2**16 + 2**19} bytes"):
        make_slice_plan([1000], 2**16, 2**18, 22 * 10**6, 2**16 + 2**19 - 1, 2, 1)


# --- blocks -----------------------------------------------------------------------------


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


def conflicts(shape: Block, geometry: Geometry, words: int) -> int:
    """How often a warp reads one bank of shared memory, at worst, where once would do.

    Each thread reads the first cell of its strip; other cells are as far away for all of them. A
    number of 8 bytes is two words, and half a warp reads at a time.
    """
    most, strips = 1, -(-geometry.space[-2] // shape.strip)
    lanes = 32 // words
    for first in range(0, shape.threads * shape.group, lanes):
        banks: dict[int, set[int]] = {}
        for thread in range(first, min(first + lanes, shape.threads * shape.group)):
            member, unit = divmod(thread, shape.threads)
            if unit >= shape.units(geometry):
                continue
            across, down = unit % geometry.space[-1], unit // geometry.space[-1] % strips
            at = member * shape.size + down * shape.strip * shape.pitches[-2] + across
            banks.setdefault(at * words % 32, set()).add(at)
        most = max([most, *map(len, banks.values())])
    return most


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("size", "degree"), [(32, 1), (16, 1), (8, 2), (4, 2)])
def test_banks(size: int, dtype: str, degree: int) -> None:
    """No conflicts where a warp's rows are long, at most two ways where they are short."""
    text = network("conv(3x3, @) -> relu -> global_avg_pool", f"image[{size}, {size}, 3]")
    front = front_end(Source("<test>", text), Options(dtype=dtype))
    schedule = middle_on_positions(front.module, dtype).tiles["nngp+ntk"]
    segment = schedule.segments[0]
    shape = block(schedule, segment, dtype, TARGETS["sm_90"])
    words = 1 if dtype == "float32" else 2
    assert conflicts(shape, segment.geometries[0], words) <= degree
