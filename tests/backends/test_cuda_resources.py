"""What the zoo's CUDA kernels take of a device: compiled to PTX, and assembled by ptxas, no GPU.

Two devices stand for all, of compute capability 8.0 and 9.0. A multiprocessor of either has 65536
registers for its threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ntkc.diagnostics import Source
from ntkc.driver import (
    Options,
    emitted_kernels,
    emitted_tiles,
    front_end,
    middle,
    middle_on_positions,
)
from ntkc.runtime.generated import import_generated
from ntkc.schedule.slices.packs import TARGETS
from tests.activations.test_oracle import identify
from tests.backends.cuda_zoo import ACTIVATIONS, POSITIONS, VECTORS, activated
from tests.backends.test_slices import network as image

pytest.importorskip("numba_cuda", reason="the CUDA backend needs numba-cuda")

from ntkc.artefact.device_code import (
    Resources,
    final_types,
    find_ptxas,
    ptx,
    resources,
    segment_types,
    tile_types,
)

pytestmark = pytest.mark.skipif(
    find_ptxas() is None, reason="ptxas, of the development extra, is for Linux alone"
)

CAPABILITIES = ((8, 0), (9, 0))
DTYPES = ("float32", "float64")
FILE = 65536
"""Registers of a multiprocessor."""
TILE = {"float32": FILE // (3 * 256), "float64": FILE // (2 * 256)}
"""Of a thread: three blocks of 256 threads in float32, and two in float64, are there at once."""
SEGMENT = {"float32": 128, "float64": 255}
"""Of a thread: in float32 two blocks of 256 threads are there at once, in float64 one."""
ROOMY = {"float32": 128, "float64": 255}
"""Of a thread, with an activation of many terms: two blocks of 256 threads, and one."""
SERIES = ("certified", "exponential")
"""Networks on vectors with activations of many terms."""
LARGE = {"selu": {"float32": 168, "float64": 255}}
"""Of a thread, with an activation whose terms are many and make a complement too: one block."""
STACK = {"celu": 64, "elu": 64, "selu": 1792}
"""Bytes of a thread's own memory, in float64, where its registers do not suffice."""
SAMPLE = ("relu with bias", "fc1_gelu")
SPATIAL_SAMPLE = ("strides", "inside", "cnn_gap_circular", "sequence_gap")


def imported(text: str, code: Callable[[Any], str], dtype: str, folder: Path, part: str) -> Any:
    """The module that `code` generates from a program understood."""
    front = front_end(Source("model.ntk", text), Options(dtype=dtype))
    path = folder / f"{part}_{dtype}.py"
    path.write_text(code(front), encoding="utf-8")
    return import_generated(path, f"test_cuda_{part}_{abs(hash((text, dtype)))}")


def check_tiles(text: str, folder: Path, most: Mapping[str, int] = TILE, stack: int = 0) -> None:
    """No spills and no stack, few registers; in a float32 tile not one float64 number, and roots
    by the device's instruction alone. In float64 there may be a stack.
    """
    for dtype in DTYPES:

        def code(front: Any, dtype: str = dtype) -> str:
            return emitted_tiles(front, middle(front.module, dtype), dtype)

        module = imported(text, code, dtype, folder, "tiles")
        for capability in CAPABILITIES:
            made = ptx(module.TILES["nngp+ntk"], tile_types(dtype, "tile"), capability)
            assert f".target sm_{capability[0]}{capability[1]}" in made
            assert dtype == "float64" or not re.search(r"\.f64|sqrt\.(rn|approx\.f32)", made)
            found = resources(made, capability)
            assert found.registers <= most[dtype], (dtype, capability, found)
            assert found.shared == 0
            check_stack(found, stack if dtype == "float64" else 0)
        for near in [module.NEAR["ntk"]] if module.NEAR else []:
            found = resources(ptx(near, tile_types(dtype, "near")))
            assert found.registers <= most["float64"]
            check_stack(found, stack)


def check_stack(found: Resources, most: int) -> None:
    """Nothing is spilled where there may be no stack."""
    assert found.stack <= most, found
    assert most or not found.spilled, found


def segments(
    text: str, dtype: str, capability: tuple[int, int], folder: Path
) -> list[tuple[dict[str, int], Resources]]:
    """What every kernel of both kernel functions takes, with what the runtime is told of it."""
    target = TARGETS[f"sm_{capability[0]}{capability[1]}"]

    def code(front: Any) -> str:
        return emitted_kernels(front, middle_on_positions(front.module, dtype), target)

    module = imported(text, code, dtype, folder, f"packs_{target.name}")
    listing = module.KERNELS["nngp+ntk"]
    found = []
    for kernel, numbers in listing["segments"]:
        made = ptx(kernel, segment_types(dtype), capability)
        assert "call.uni" not in made  # a step that is not inlined has no registers to itself
        found.append((numbers, resources(made, capability)))
    if listing["final"] is not None:
        final = {"threads": listing["final_threads"], "shared": 0}
        found.append((final, resources(ptx(listing["final"], final_types(dtype), capability))))
    return found


def check_segments(text: str, dtype: str, capability: tuple[int, int], folder: Path) -> None:
    """Nothing is spilled in float32, and blocks fit into registers and shared memory."""
    target = TARGETS[f"sm_{capability[0]}{capability[1]}"]
    for numbers, found in segments(text, dtype, capability, folder):
        assert found.registers <= SEGMENT[dtype], (numbers, found)
        assert found.registers * numbers["threads"] <= FILE
        assert numbers["shared"] + found.shared <= target.shared_per_block
        if dtype == "float32":
            assert (found.spilled, found.stack) == (0, 0)


@pytest.mark.parametrize("name", SAMPLE)
def test_tiles(name: str, tmp_path: Path) -> None:
    check_tiles(VECTORS[name], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", VECTORS)
def test_all_tiles(name: str, tmp_path: Path) -> None:
    check_tiles(VECTORS[name], tmp_path, ROOMY if name in SERIES else TILE)


@pytest.mark.parametrize("name", SPATIAL_SAMPLE)
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_segments(name: str, capability: tuple[int, int], tmp_path: Path) -> None:
    check_segments(POSITIONS[name], "float32", capability, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", POSITIONS)
@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_segments(name: str, capability: tuple[int, int], dtype: str, tmp_path: Path) -> None:
    check_segments(POSITIONS[name], dtype, capability, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", ACTIVATIONS, ids=identify)
def test_all_activations(case: Any, tmp_path: Path) -> None:
    """What the simulator, which knows all of Python, says nothing of: they compile."""
    vectors, positions = activated(case)
    check_tiles(vectors, tmp_path, LARGE.get(case[0], ROOMY), STACK.get(case[0], 0))
    for dtype in DTYPES:
        check_segments(positions, dtype, (9, 0), tmp_path)


def test_smooth_activations_in_float64(tmp_path: Path) -> None:
    """What the simulator does not see: Python's own types are no device's."""
    text = "conv(2x2, padding = same) -> gelu -> conv_transpose(1x1) -> erf -> flatten"
    check_segments(image(text, "image[2, 2, 2]"), "float64", (9, 0), tmp_path)


def test_a_deep_network(tmp_path: Path) -> None:
    """21 layers: the strip that a thread carries, its neighbours and all weights in registers."""
    (numbers, segment), _ = segments(POSITIONS["21-gap"], "float32", (9, 0), tmp_path)
    assert (numbers["threads"], segment.spilled) == (256, 0)
    assert segment.registers <= 128


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_runtime(dtype: str) -> None:
    """Sums of the product stay in registers: 16 and some addresses, twice as many in float64."""
    from numba import boolean, float32, float64, int32, int64

    from ntkc.runtime.cuda.place import place, place_mirrored
    from ntkc.runtime.cuda.product import PRODUCTS

    real = float32 if dtype == "float32" else float64
    item = np.dtype(dtype).itemsize
    rows, flat, whole = real[:, ::1], real[::1], int64
    for capability in CAPABILITIES:
        found = resources(ptx(PRODUCTS[dtype], (rows, rows, flat, whole), capability), capability)
        assert found.registers <= {"float32": 80, "float64": 112}[dtype]
        assert (found.spilled, found.stack) == (0, 0)
        assert found.shared == 2 * 16 * 65 * item
    lost = int32[::1]
    placed = (flat, whole, whole, flat, real[:, :], whole, whole, whole, whole, boolean, lost)
    assert resources(ptx(place, placed)).spilled == 0
    mirrored = (flat, whole, whole, real[:, :], whole, whole, whole, whole)
    assert resources(ptx(place_mirrored, mirrored)).shared == 16 * 17 * item
