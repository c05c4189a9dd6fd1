"""What kernels on positions take as images, and what they say about what they do not take."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ntkc.runtime import ArrayError, Kernel
from ntkc.runtime.slice_program import SliceProgram
from ntkc.runtime.slice_worker import check_pairs
from tests.backends.test_slices import BOTH, network, python_kernel


def plain(folder: Path, input: str = "image[3, 2, 2]") -> Kernel:
    return python_kernel(network("conv(2) -> relu -> flatten", input), "float64", folder)


def test_images_beyond_a_certificate_are_named(tmp_path: Path) -> None:
    """By argument and number, whether the variance is the input's own or made of pairs."""
    x = np.ones((3, 3, 2, 2))
    x[2, 1] = 40.0
    for body in ("conv(2, @) -> tanh -> flatten", "avg_pool(2x1) -> conv(1) -> tanh -> flatten"):
        kernel = python_kernel(network(body, "image[3, 2, 2]"), "float64", tmp_path)
        with pytest.raises(ArrayError, match=r"x1: row 2: the variance before `tanh` must be from"):
            kernel(x)
        with pytest.raises(ArrayError, match="x2: row 2: "):
            kernel(x[:2], x)
        assert np.isfinite(kernel(x[:2])).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_not_finite(bad: float, tmp_path: Path) -> None:
    """Found by argument, image and place, in the shape that the caller gave."""
    for input, shape in (("image[3, 2, 2]", (4, 3, 2, 2)), ("sequence[3, 2]", (4, 3, 2))):
        x = np.ones(shape)
        kernel = plain(tmp_path, input)
        good, place = x.copy(), (2, *([1] * (x.ndim - 1)))
        x[place] = bad
        words = re.escape(f"row 2 holds {bad} (at {list(place[1:])}); inputs must be finite")
        for call in (kernel, kernel.diag):
            with pytest.raises(ArrayError, match="x1: " + words):
                call(x)
        with pytest.raises(ArrayError, match="x2: " + words):
            kernel(good, x)


BATCHES = {
    "Fortran's order": np.asfortranarray,
    "steps": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[:, ::-1].copy()[:, ::-1],
    "channels first": lambda x: np.moveaxis(np.moveaxis(x, -1, 1).copy(), 1, -1),
    "float16": lambda x: x.astype("f2"),
    "swapped bytes": lambda x: x.astype(">f4"),
    "long doubles": lambda x: x.astype("longdouble"),
    "integers": lambda x: x.astype("i1"),
    "lists": lambda x: x.tolist(),
}


@pytest.mark.parametrize("way", BATCHES)
def test_batches_of_any_kind(way: str, tmp_path: Path) -> None:
    """Whatever the layout and the type, numbers that float64 holds are the same numbers."""
    x = np.random.default_rng(0).integers(-8, 9, (3, 3, 2, 2)).astype(float)
    before = x.copy()
    kernel = plain(tmp_path)
    np.testing.assert_array_equal(kernel(BATCHES[way](x)), kernel(before))
    np.testing.assert_array_equal(x, before)


def test_batches_without_images(tmp_path: Path) -> None:
    kernel = plain(tmp_path)
    none, some = np.empty((0, 3, 2, 2)), np.ones((2, 3, 2, 2))
    assert kernel(none).shape == (0, 0)
    assert (kernel(none, some).shape, kernel(some, none).shape) == ((0, 2), (2, 0))
    assert kernel.diag(none).shape == (0,)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 3, 2, 3), r"got shape \(2, 3, 2, 3\): axis 3 has 3 elements and not 2"),
        ((2, 2, 2, 2), r"axis 1 has 2 elements and not 3"),
        (
            (3, 2, 2),
            r"got shape \(3, 2, 2\); one input is shape \(1, 3, 2, 2\), as x1\[None\] makes",
        ),
        ((2, 12), r"expected an array of shape \(n, 3, 2, 2\), got shape \(2, 12\)"),
    ],
)
def test_batches_of_other_shapes(shape: tuple[int, ...], words: str, tmp_path: Path) -> None:
    kernel = plain(tmp_path)
    with pytest.raises(ArrayError, match=f"x1: .*{words}"):
        kernel(np.ones(shape))
    with pytest.raises(ArrayError, match="x2: "):
        kernel(np.ones((1, 3, 2, 2)), np.ones(shape))


@pytest.mark.filterwarnings("error")
def test_images_of_zeros_are_ordinary(tmp_path: Path) -> None:
    """Choices evaluate both of their sides, and nobody is warned of the one not taken."""
    x = np.zeros((2, 3, 2, 2))
    x[1, 0] = 1.0
    for body in (
        "conv(2, @) -> hard_tanh -> avg_pool(2x1) -> conv(1) -> relu6 -> flatten",
        "conv(2, @) -> layer_norm -> relu -> conv(2, @) -> erf -> global_avg_pool -> normalize",
    ):
        kernel = python_kernel(network(body, "image[3, 2, 2]"), "float64", tmp_path)
        found = kernel(x, get=BOTH)
        assert all(np.isfinite(getattr(found, root)).all() for root in BOTH)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # of generated code run as Python
@pytest.mark.parametrize("end", ["flatten", "global_avg_pool"])
def test_kernel_values_beyond_the_range(end: str, tmp_path: Path) -> None:
    """No infinite or undefined number is returned, of pairs or of an image with itself."""
    body = f"conv(2, w_std = 1e10) -> relu -> conv(1, w_std = 1e10) -> {end}"
    kernel = python_kernel(network(body, "image[3, 2, 2]"), "float32", tmp_path)
    x = np.ones((2, 3, 2, 2), np.float32)
    for arguments in ((x,), (x, 0.5 * x)):
        words = r"row 0 .*is (beyond the range of|lost to rounding in) float32"  # or inf - inf
        with pytest.raises(ArrayError, match=words):
            kernel(*arguments)


def test_pairs_of_two_batches_need_no_image_with_itself(tmp_path: Path) -> None:
    """Under a global pool that would cost as much as a pair, and nobody asks for it."""
    kernel = python_kernel(
        network("conv(2) -> relu -> global_avg_pool", "image[3, 2, 2]"), "float64", tmp_path
    )
    program = kernel.program
    assert isinstance(program, SliceProgram)
    tile, calls = program.tiles["nngp+ntk"], [0]

    def counted(*given: object) -> None:
        calls[0] += 1
        tile.run(*given)  # type: ignore[arg-type]

    counting = Kernel(replace(program, tiles={"nngp+ntk": replace(tile, run=counted)}))
    x = np.random.default_rng(0).standard_normal((2, 3, 2, 2))
    cross = counting(x[:1], x[1:])
    assert calls == [1]
    assert cross[0, 0] == counting(x)[0, 1]


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "is lost to rounding in float32"), (1e39, "is beyond the range of float32")],
)
def test_what_is_no_number_is_told(value: float, words: str) -> None:
    """Of any pair of a group, whatever stands beside it."""
    found = np.ones((2, 3))
    check_pairs(found, np.array([[4], [5]]), np.array([7, 8, 9]), ("x1", "x2"), "float32")
    found[1, 2] = value
    with pytest.raises(ArrayError, match=f"row 5 of x1 and row 9 of x2 {words}"):
        check_pairs(found, np.array([[4], [5]]), np.array([7, 8, 9]), ("x1", "x2"), "float32")
    check_pairs(found[:0], np.zeros((0, 1), int), np.array([7, 8, 9]), ("x1", "x2"), "float32")


def test_images_too_small_for_their_squares_are_told(tmp_path: Path) -> None:
    """Squares of 1e-39 in float32: entries were 6 % wrong, without a word."""
    text = network("conv(2) -> relu -> conv(1) -> relu -> flatten", "sequence[3, 2]")
    kernel = python_kernel(text, "float32", tmp_path)
    x = np.random.default_rng(0).standard_normal((3, 3, 2)).astype(np.float32)
    with pytest.raises(ArrayError, match=r"row 0 with itself is below the range of float32 \(at"):
        kernel(x * np.float32(1e-19))
    small = kernel(x * np.float32(1e-17))
    np.testing.assert_allclose(small * 1e34, kernel(x), rtol=1e-5)
    assert (kernel(0 * x) == 0).all()
