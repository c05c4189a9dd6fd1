"""Networks on vectors on CUDA: kernels run by the simulator, and compiled to PTX and by ptxas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ntkc
from ntkc.artefact.device_code import find_ptxas, ptx, resources, tile_types
from ntkc.diagnostics import Source
from ntkc.driver import Options, emitted_tiles, front_end, middle
from ntkc.runtime.cuda import devices
from ntkc.runtime.cuda.plan import make_plan
from ntkc.runtime.errors import DeviceError, MemoryBudgetError
from ntkc.runtime.generated import import_generated
from tests.backends.kernels import network

pytest.importorskip("numba_cuda", reason="the CUDA backend needs numba-cuda")

ROOT = Path(__file__).parents[2]
RELU = network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3", "dense")
ZOO = {
    "relu": network("{ dense(w_std = sqrt(2)) -> relu } * 3", "dense"),
    "relu with bias": RELU,
    "erf": network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 2", "dense"),
    "gelu": network("dense(b_std = 0.1) -> gelu", "dense"),
    "alternating": network("{ dense -> relu -> dense(b_std = 0.1) -> erf } * 4", "dense"),
    "residual": network(
        "dense", "add(identity, relu -> dense(w_std = w)) * 3", "relu", "dense",
        before="param w = 0.5\n",
    ),
    "deep": network("{ dense(w_std = 1.4, b_std = 0.1) -> relu } * 40", "dense"),
}  # fmt: skip
REGISTERS = {"float32": 64, "float64": 96}
"""Of a thread. Blocks have 256 threads and a multiprocessor 65536 registers: 4 blocks of float32
and 2 of float64 are on it at once even for the network with most constants."""


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


def test_simulated_zoo() -> None:
    """Against 40 digits: coincident, nearly coincident, opposite and zero rows among them."""
    for case, error in simulated("accuracy").items():
        # float32: roundings of 6e-8, some of them magnified by a few layers.
        assert error <= (1e-12 if case.endswith("float64") else 3e-6), (case, error)


def test_simulated_batches() -> None:
    found = simulated("batches")
    assert found["same"]
    assert found["symmetric"]
    assert found["processor"] <= 1e-14  # some roundings of values near 1
    assert found["last report"] == [19 * 19, 19 * 19]
    assert "needs at least" in found["too little"]
    assert found["interrupt"] == "enough"


def test_simulated_devices() -> None:
    found = simulated("devices")
    for what in ("stays", "gram", "cross", "out", "host out", "tiled", "dlpack"):
        assert found[what], what
    assert found["wrong shape"] == "out: expected shape (4, 3), got (4, 4)"
    assert found["wrong dtype"] == "out: expected dtype float64, got float32"
    assert found["mixed out"] == "out: expected all arrays on the GPU, or none"
    assert found["empty"] == [0, 3]
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


def test_what_a_device_is_called() -> None:
    device = devices.Device(0, "NVIDIA H200", (9, 0), 140 * 2**30)
    assert str(device) == "NVIDIA H200 (compute capability 9.0, 140 GiB)"


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


# --- machine code ------------------------------------------------------------------------


def generated(text: str, dtype: str, folder: Path) -> Any:
    front = front_end(Source("model.ntk", text), Options(dtype=dtype))
    code = emitted_tiles(front, middle(front.module, dtype), dtype)
    path = folder / f"device_{dtype}.py"
    path.write_text(code, encoding="utf-8")
    return import_generated(path, f"test_cuda_dense_{abs(hash((text, dtype)))}")


@pytest.mark.skipif(find_ptxas() is None, reason="no ptxas")
@pytest.mark.parametrize("name", ZOO)
def test_resources(name: str, tmp_path: Path) -> None:
    """No spills and no stack, few registers, and not one float64 number in a float32 tile."""
    for dtype, bound in REGISTERS.items():
        module = generated(ZOO[name], dtype, tmp_path)
        for capability in ((8, 0), (9, 0)):
            text = ptx(module.TILES["nngp+ntk"], tile_types(dtype, "tile"), capability)
            assert f".target sm_{capability[0]}{capability[1]}" in text
            assert dtype == "float64" or ".f64" not in text
            found = resources(text, capability)
            assert found.registers <= bound, (name, dtype, capability, found)
            assert (found.spilled, found.stack, found.shared) == (0, 0, 0)
        for near in [module.NEAR["ntk"]] if module.NEAR else []:
            found = resources(ptx(near, tile_types(dtype, "near")))
            assert found.registers <= REGISTERS["float64"]
            assert (found.spilled, found.stack) == (0, 0)


@pytest.mark.skipif(find_ptxas() is None, reason="no ptxas")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resources_of_the_runtime(dtype: str) -> None:
    """Sums of the product stay in registers: 16 and some addresses, twice as many in float64."""
    from numba import boolean, int64
    from numba import float32 as single
    from numba import float64 as double

    from ntkc.runtime.cuda.place import place, place_mirrored
    from ntkc.runtime.cuda.product import PRODUCTS

    real = single if dtype == "float32" else double
    item = np.dtype(dtype).itemsize
    rows, flat, whole = real[:, ::1], real[::1], int64
    for capability in ((8, 0), (9, 0)):
        found = resources(ptx(PRODUCTS[dtype], (rows, rows, flat, whole), capability), capability)
        assert found.registers <= {"float32": 80, "float64": 112}[dtype]
        assert (found.spilled, found.stack) == (0, 0)
        assert found.shared == 2 * 16 * 65 * item
    placed = (flat, whole, whole, flat, real[:, :], whole, whole, whole, whole, boolean)
    assert resources(ptx(place, placed)).spilled == 0
    mirrored = (flat, whole, whole, real[:, :], whole, whole, whole, whole)
    assert resources(ptx(place_mirrored, mirrored)).shared == 16 * 17 * item


def test_the_layers_stay_a_loop(tmp_path: Path) -> None:
    """A network's source does not grow with its depth."""
    front = front_end(Source("model.ntk", ZOO["deep"]), Options())
    deep = emitted_tiles(front, middle(front.module, "float64", collapse=False), "float64")
    shallow = front_end(Source("model.ntk", RELU), Options())
    short = emitted_tiles(shallow, middle(shallow.module, "float64", collapse=False), "float64")
    assert "for layer in range(u64(39)):" in deep
    assert len(deep) <= 1.1 * len(short)


# --- a real device -----------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not devices.device_files(), reason="no GPU")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_real_device(dtype: str) -> None:
    """The processor and the device agree on thousands of pairs, near ones among them."""
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((700, 7))
    rows[5] = rows[4]
    rows[6] = rows[4] + 1e-6 * rng.standard_normal(7)
    for text in ZOO.values():
        ours = ntkc.compile(source=text, backend="cuda", dtype=dtype)(rows)
        theirs = ntkc.compile(source=text, backend="cpu", dtype=dtype)(rows)
        scale = np.abs(theirs).max()
        assert np.abs(ours - theirs).max() <= scale * (1e-12 if dtype == "float64" else 3e-6)
