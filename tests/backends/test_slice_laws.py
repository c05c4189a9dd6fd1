"""Laws of convolutional networks' kernels, through generated code: no formula is assumed.

The code is run as Python; marked slow, as machine code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ntkc
from ntkc.runtime import Kernel
from tests.backends.test_slices import network, python_kernel

Images = np.ndarray[Any, Any]
ROUNDINGS = {"float64": 1e-13, "float32": 1e-5}
"""Both sides sum the same numbers in other orders; a few layers of ReLU magnify what they round."""

RESIDUAL = (
    "conv(3x3, padding = {0}, b_std = 0.2)\n"
    "    add(relu -> conv(3x2, padding = {0}) -> relu -> conv(1), identity)\n"
    "    relu"
)


Make = Callable[..., Kernel]


@pytest.fixture(params=["generated", pytest.param("compiled", marks=pytest.mark.slow)])
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes the kernel of some layers on an input."""

    def made(body: str, input: str, dtype: str = "float64") -> Kernel:
        text = network(f"{body} -> dense", input)
        if request.param == "generated":
            return python_kernel(text, dtype, tmp_path)
        return ntkc.compile(source=text, dtype=dtype)

    return made


def images(*shape: int, dtype: str = "float64") -> tuple[Images, Images]:
    rng = np.random.default_rng(8)
    return tuple(rng.standard_normal((n, *shape)).astype(dtype) for n in (3, 2))  # type: ignore[return-value]


def equal(found: Any, expected: Any, dtype: str = "float64") -> None:
    for root in ("nngp", "ntk"):
        a, b = getattr(found, root), getattr(expected, root)
        assert np.abs(a - b).max() <= ROUNDINGS[dtype] * np.abs(b).max()


def both(made: Kernel, x: Images, z: Images) -> Any:
    return made(x, z, get=("nngp", "ntk"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_image_moved_around_is_the_same_under_a_global_pool(kernel: Make, dtype: str) -> None:
    made = kernel(f"{RESIDUAL.format('circular')} -> global_avg_pool", "image[5, 4, 2]", dtype)
    x, z = images(5, 4, 2, dtype=dtype)
    equal(both(made, np.roll(x, (2, 1), (1, 2)), z), both(made, x, z), dtype)


def test_both_images_moved_around_are_the_same_under_flatten(kernel: Make) -> None:
    made = kernel(f"{RESIDUAL.format('circular')} -> flatten", "image[5, 4, 2]")
    x, z = images(5, 4, 2)
    moved = [np.roll(each, (3, 1), (1, 2)) for each in (x, z)]
    equal(both(made, *moved), both(made, x, z))
    assert np.abs(made(moved[0], z) - made(x, z)).max() > 1e-3  # one alone is another image


def test_a_global_pool_is_augmentation_by_all_translations(kernel: Make) -> None:
    body = RESIDUAL.format("circular")
    pooled = kernel(f"{body} -> global_avg_pool", "image[5, 4, 2]")
    flat = kernel(f"{body} -> flatten", "image[5, 4, 2]")
    x, z = images(5, 4, 2)
    moved = [both(flat, x, np.roll(z, shift, (1, 2))) for shift in np.ndindex(5, 4)]
    mean = {root: sum(getattr(k, root) for k in moved) / 20 for root in ("nngp", "ntk")}
    expected = both(pooled, x, z)
    for root, found in mean.items():
        value = getattr(expected, root)
        assert np.abs(found - value).max() <= ROUNDINGS["float64"] * np.abs(value).max()


def test_a_stride_is_the_plain_window_at_every_other_position(kernel: Make) -> None:
    """The displacements between these are the multiples that the strided network is asked for."""
    strided = "conv(3, stride = 2, b_std = 0.1) -> relu -> conv(1) -> relu -> global_avg_pool"
    plain = "conv(3, b_std = 0.1) -> relu -> conv(1, stride = 2) -> relu -> global_avg_pool"
    x, z = images(7, 5, 2)
    one, other = (kernel(body, "image[7, 5, 2]") for body in (strided, plain))
    equal(both(one, x, z), both(other, x, z))


def test_a_stride_sees_the_image_sub_sampled(kernel: Make) -> None:
    rest = "relu -> conv(2, b_std = 0.1) -> relu -> global_avg_pool"
    x, z = images(7, 5, 2)
    strided = kernel(f"conv(1, stride = 3x2) -> {rest}", "image[7, 5, 2]")
    plain = kernel(f"conv(1) -> {rest}", "image[3, 3, 2]")
    small = [np.ascontiguousarray(each[:, ::3, ::2]) for each in (x, z)]
    equal(both(strided, x, z), both(plain, *small))


@pytest.mark.parametrize("end", ["flatten", "global_avg_pool"])
def test_channels_may_be_permuted(kernel: Make, end: str) -> None:
    made = kernel(f"{RESIDUAL.format('same')} -> {end}", "image[5, 4, 5]")
    x, z = images(5, 4, 5)
    order = [3, 0, 4, 2, 1]
    equal(both(made, x[..., order], z[..., order]), both(made, x, z))


def test_an_image_may_be_reflected(kernel: Make) -> None:
    made = kernel(f"{RESIDUAL.format('same').replace('3x2', '3x3')} -> flatten", "image[5, 4, 2]")
    x, z = images(5, 4, 2)
    equal(both(made, x[:, ::-1], z[:, ::-1]), both(made, x, z))
