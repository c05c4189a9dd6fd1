"""Networks on vectors on CUDA: kernels run by the simulator, and compiled to PTX and by ptxas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

import ntkc
from ntkc.diagnostics import Source
from ntkc.driver import Options, emitted_tiles, front_end, middle
from ntkc.runtime.cuda import devices
from ntkc.runtime.cuda.plan import make_plan
from ntkc.runtime.cuda.quiet import quiet
from ntkc.runtime.errors import DeviceError, LoadError, MemoryBudgetError
from ntkc.runtime.program import DEVICE_ABI
from ntkc.runtime.threads import Reporter
from ntkc.runtime.tiles import Tile, make_tiles
from tests.backends.cuda_zoo import VECTORS
from tests.backends.kernels import network

pytest.importorskip("numba_cuda", reason="the CUDA backend needs numba-cuda")

ROOT = Path(__file__).parents[2]
RELU = network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3", "dense")


def simulated(check: str) -> dict[str, Any]:
    """What a check found under the simulator, in a process of its own."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.backends.cuda_dense_simulator", check],
        cwd=ROOT,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("zoo", ["accuracy", pytest.param("exponential", marks=pytest.mark.slow)])
def test_simulated_zoo(zoo: str) -> None:
    """Against 40 digits: coincident, nearly coincident, opposite and zero rows among them."""
    for case, error in simulated(zoo).items():
        # float32: roundings of 6e-8, some of them magnified by a few layers.
        assert error <= (1e-12 if case.endswith("float64") else 3e-6), (case, error)


def test_simulated_tables() -> None:
    """Next to the processor's, which reads a table by the bits of a number: roundings of products,
    magnified by the slope of a network that doubles a complement in each of a dozen layers.
    """
    found = simulated("table")
    assert found["float64"] <= 1e-12
    assert found["float32"] <= 3e-4


def test_simulated_batches() -> None:
    found = simulated("batches")
    assert found["same"]
    assert found["symmetric"]
    assert found["processor"] <= 1e-14  # some roundings of values near 1
    assert found["last report"] == [19 * 19, 19 * 19]
    assert "needs at least" in found["too little"]
    assert found["interrupt"] == "enough"


def test_simulated_values_that_are_lost() -> None:
    found = simulated("lost")
    for words in found.values():
        assert "row 0 of x1 and row 2 of the other argument is lost to rounding" in words
    assert len(found) == 2


def test_simulated_devices() -> None:
    found = simulated("devices")
    for what in ("stays", "gram", "cross", "out", "host out", "tiled", "dlpack"):
        assert found[what], what
    assert found["wrong shape"] == "out: expected shape (4, 3), got (4, 4)"
    assert found["wrong dtype"] == "out: expected dtype float64, got float32"
    assert found["mixed out"] == "out: expected all arrays on the GPU, or none"
    assert found["empty"] == [0, 3]
    assert "x1: lies on GPU 1, and" in found["elsewhere"]
    assert found["backwards"] == "x1: runs backwards along an axis; pass a copy of it"
    assert "offers DLPack alone, which is read by CuPy, and CuPy is not" in found["without CuPy"]
    assert found["variable"] == "x1: Variable is not to be read: detach it first"
    assert "simulator" in found["described"]


def test_a_saved_folder_needs_no_compiler() -> None:
    found = simulated("saved")
    assert found["same"], found["error"]


# --- without a device --------------------------------------------------------------------


@pytest.fixture
def no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = devices.Search((), ("no GPU (no /dev/nvidia0)", "numba-cuda is not installed"))
    monkeypatch.setattr(devices, "search", lambda: nothing)
    monkeypatch.setattr(devices, "device_files", lambda: True)


@pytest.mark.usefixtures("no_device")
def test_an_absent_device_is_named() -> None:
    with pytest.raises(DeviceError, match=r"no /dev/nvidia0.*not installed.*doctor.*'cpu'"):
        ntkc.compile(source=RELU, backend="cuda")


@pytest.mark.usefixtures("no_device")
def test_auto_falls_back_to_the_processor() -> None:
    assert ntkc.compile(source=RELU, backend="auto").options["backend"] == "cpu"


def test_auto_prefers_a_usable_device(monkeypatch: pytest.MonkeyPatch) -> None:
    from ntkc.api import make_options

    one = devices.Search((devices.Device(0, "a GPU", (9, 0), 2**36),), ())
    monkeypatch.setattr(devices, "search", lambda: one)
    monkeypatch.setattr(devices, "device_files", lambda: True)
    assert make_options(backend="auto").backend == "cuda"
    assert make_options(backend="cpu").backend == "cpu"


def test_a_device_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba import cuda

    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "gpus", [0, 1])
    found = [devices.Device(n, "a GPU", (6 + n, 5), 2**33) for n in range(2)]
    monkeypatch.setattr(devices, "_described", lambda number: found[number])
    search = devices.search.__wrapped__()
    assert search.devices == (found[1],)
    old = "a GPU (compute capability 6.5, 8 GiB) is too old: capability 7.5 is needed"
    assert search.findings[-2:] == (old, str(found[1]))


def test_a_device_with_too_little_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that was compiled on another machine; and one of another version."""
    from ntkc.runtime.cuda import kernel

    small = devices.Device(0, "a GPU", (7, 5), 2**33, shared=2**16)
    monkeypatch.setattr(kernel, "require", lambda: (small,))
    numbers = {"segments": [(None, {"shared": 2**16 + 4})]}
    made = SimpleNamespace(__name__="net", DEVICE_ABI=DEVICE_ABI, KERNELS={"ntk": numbers})
    one = object.__new__(kernel.CudaKernel)
    with pytest.raises(DeviceError, match=r"65540 bytes .* a GPU .* 65536: compile .* again"):
        one._use(made)
    numbers["segments"][0][1]["shared"] -= 4
    one._use(made)
    assert one.devices == (str(small),)
    made.DEVICE_ABI += 1
    with pytest.raises(LoadError, match="compile the kernel again"):
        one._use(made)


def test_what_a_device_is_called() -> None:
    device = devices.Device(0, "NVIDIA H200", (9, 0), 140 * 2**30)
    assert str(device) == "NVIDIA H200 (compute capability 9.0, 140 GiB)"


def test_small_launches_give_no_warning() -> None:
    """Numba's setting comes back when the last of several threads is done; warnings are errors."""
    from numba.cuda import dispatcher
    from numba.cuda.core.errors import NumbaPerformanceWarning

    from ntkc.runtime.cuda.product import PRODUCTS

    shapes = iter(range(1, 9))

    def launch() -> None:
        assert PRODUCTS["float32"][(next(shapes), 1), (16, 16)] is not None

    first, second = quiet(), quiet()
    with pytest.warns(NumbaPerformanceWarning):
        launch()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    launch()
    second.__exit__(None, None, None)
    with pytest.warns(NumbaPerformanceWarning):
        launch()
    assert dispatcher.config.CUDA_LOW_OCCUPANCY_WARNINGS == 1


def test_cupy_is_told_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the number that CUDA knows it by."""
    from cuda.bindings import driver as binding
    from numba.cuda.cudadrv.driver import Stream

    from ntkc.runtime.cuda import product

    library = MagicMock()
    monkeypatch.setattr(product, "cupy", lambda: library)
    rows = np.zeros((2, 3))
    product.multiply(rows, rows, np.zeros(4), Stream(binding.CUstream(1234)))
    library.cuda.ExternalStream.assert_called_once_with(1234)
    library.matmul.assert_called_once()


# --- plans -------------------------------------------------------------------------------


def test_plans() -> None:
    large = make_plan([20_000], 784, (4, 4), 1, True, 10**7, 40 * 2**30, 2)
    assert (large.rows, large.columns, large.resident) == (4096, 4096, True)
    several = make_plan([20_000], 784, (4, 4), 1, True, 10**7, 40 * 2**30, 16)
    assert several.rows == 1024  # of 2048, 55 tiles: fewer than 4 for each worker
    tight = make_plan([20_000], 784, (4, 4), 1, True, 10**6, 40 * 2**20, 2)
    assert not tight.resident
    assert 256 <= tight.rows < 4096
    with pytest.raises(MemoryBudgetError, match="at least"):
        make_plan([20_000], 784, (4, 4), 1, True, 10**7, 2**20, 2)


def test_every_device_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own copy of what is resident, which its workers share; each tile once."""
    from ntkc.runtime.cuda import placement

    monkeypatch.setattr(placement, "_on", lambda number, make: make())
    place = placement.Placement((None,), [np.zeros((96, 96))], (0, 2, 5), 2, 1)
    workers: list[tuple[int, object]] = []
    settled: list[Tile] = []

    def make_worker(number: int, resident: object) -> Callable[[Tile], int]:
        workers.append((number, resident))

        def settle(tile: Tile) -> int:
            settled.append(tile)
            return tile.entries

        return settle

    tiles = make_tiles([96], (16, 16))
    place.run(tiles, object, make_worker, place.streams, Reporter(None, 96 * 96))
    assert sorted(number for number, _ in workers) == [0, 0, 2, 2, 5, 5]
    assert len(set(workers)) == len({resident for _, resident in workers}) == 3
    assert sorted(settled) == sorted(tiles)
    assert sum(tile.entries for tile in settled) == 96 * 96


# --- source -------------------------------------------------------------------------------


def test_the_layers_stay_a_loop(tmp_path: Path) -> None:
    """A network's source does not grow with its depth."""
    front = front_end(Source("model.ntk", VECTORS["deep"]), Options())
    deep = emitted_tiles(front, middle(front.module, "float64", collapse=False), "float64")
    shallow = front_end(Source("model.ntk", RELU), Options())
    short = emitted_tiles(shallow, middle(shallow.module, "float64", collapse=False), "float64")
    assert "for layer in range(u64(39)):" in deep
    assert len(deep) <= 1.1 * len(short)
