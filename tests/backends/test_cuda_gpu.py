"""The CUDA backend on a real device: `pytest -m gpu` runs these alone, and nothing else does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ntkc
from benchmarks.cuda import deviation
from ntkc.runtime import MemoryBudgetError
from tests.backends.cuda_zoo import POSITIONS, VECTORS
from tests.network.programs import REFERENCE, SPATIAL_CASES, VECTOR_CASES

pytestmark = pytest.mark.gpu

DTYPES = ("float64", "float32")
CLOSE = {"float64": 1e-12, "float32": 1e-5}
"""Of the largest entry. Float32: roundings of 6e-8, some of them magnified by many layers, and
roots that are good to two units in the last place."""
BOTH = ("nngp", "ntk")


def both(text: str, dtype: str) -> tuple[Any, Any]:
    """A network's kernels on the device and on the processor."""
    device, processor = (
        ntkc.compile(source=text, backend=backend, dtype=dtype) for backend in ("cuda", "cpu")
    )
    return device, processor


def near(found: Any, expected: Any, dtype: str) -> None:
    """Everything of one call, beside what the processor says."""
    for ours, theirs in zip(found, expected, strict=True):
        assert np.isfinite(ours).all()
        assert np.abs(ours - theirs).max() <= CLOSE[dtype] * np.abs(theirs).max()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*VECTOR_CASES, *SPATIAL_CASES])
def test_reference_cases(name: str, dtype: str) -> None:
    """Vectors, images and sequences, as the benchmark checks them before it measures."""
    with np.load(REFERENCE / f"{name}.npz") as stored:
        values = dict(stored)
    text = (REFERENCE / f"{name}.ntk").read_text(encoding="utf-8")
    assert deviation(text, dtype, values) <= 1.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name: str, dtype: str) -> None:
    """Thousands of pairs, coincident and nearly coincident ones among them."""
    device, processor = both(VECTORS[name], dtype)
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((700, device.program.input_sizes[0]))
    rows[5] = rows[4]
    rows[6] = rows[4] + 1e-6 * rng.standard_normal(rows.shape[1])
    if "normalized" in device.input:
        rows *= np.sqrt(rows.shape[1]) / np.linalg.norm(rows, axis=1, keepdims=True)
    near(device(rows, get=BOTH), processor(rows, get=BOTH), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", POSITIONS)
def test_positions(name: str, dtype: str) -> None:
    """Gram and cross-Gram matrices and diagonals; an image that comes twice."""
    device, processor = both(POSITIONS[name], dtype)
    images = np.random.default_rng(4).standard_normal((7, *device.program.input_sizes))
    images[2] = images[1]
    near(device(images, get=BOTH), processor(images, get=BOTH), dtype)
    near(
        device(images[:3], images[2:], get=BOTH), processor(images[:3], images[2:], get=BOTH), dtype
    )
    near(device.diag(images, get=BOTH), processor.diag(images, get=BOTH), dtype)


@pytest.mark.parametrize("name", ["21-gap", "inside", "myrtle-10"])
def test_batches_do_not_matter(name: str) -> None:
    """Whole, in the smallest pieces that do, and with everything on the device."""
    from numba import cuda

    kernel = ntkc.compile(source=POSITIONS[name], backend="cuda", dtype="float32")
    images = np.random.default_rng(5).standard_normal((9, *kernel.program.input_sizes))
    images = images.astype(np.float32)
    whole = kernel(images)
    assert (whole == whole.T).all()
    with pytest.raises(MemoryBudgetError) as least:
        kernel(images, memory=1)
    needed = int(str(least.value).split(" bytes")[0].split()[-1])
    assert (kernel(images, memory=needed) == whole).all()
    assert (kernel(cuda.to_device(images)).copy_to_host() == whole).all()
    assert (kernel(images[:4], images[3:])[:, 1:] == whole[:4, 4:]).all()


def test_more_shared_memory_than_without_asking() -> None:
    """A slot of 96 x 96 cells: 100 KB and more a block, which the runtime has to be allowed."""
    text = (
        "network net {\n    input image[96, 96, 2]\n"
        "    conv(3x3, padding = same) -> relu -> conv(3x3, padding = same) -> relu -> flatten\n}\n"
    )
    device, processor = both(text, "float32")
    images = np.random.default_rng(6).standard_normal((3, 96, 96, 2))
    near(device(images, get=BOTH), processor(images, get=BOTH), "float32")


def test_gradients_and_interrupts() -> None:
    kernel = ntkc.compile(source=VECTORS["residual"], backend="cuda")
    rows = np.random.default_rng(7).standard_normal((60, 7))
    value, gradient = kernel.value_and_gradient(rows, wrt="w")
    above, below = kernel(rows, w=0.5 + 1e-5), kernel(rows, w=0.5 - 1e-5)
    assert np.abs(value - kernel(rows)).max() <= 1e-12 * np.abs(value).max()
    # A central difference: 1e-10 of truncation, 1e-11 of rounding, of values near 1.
    assert np.abs(gradient["w"] - (above - below) / 2e-5).max() <= 1e-8 * np.abs(value).max()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernel(rows, progress=stop)
