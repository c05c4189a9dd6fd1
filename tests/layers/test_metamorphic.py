"""Laws that the kernels of convolutional networks obey, whatever their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntkc.ir.interpret import interpret
from ntkc.network.derive import derive
from tests.network.programs import resolve

RELATIVE = 1e-12
"""Both sides are float64 sums of the same numbers in other orders."""


def kernel(input: str, body: str, x1: Any, x2: Any) -> dict[str, Any]:
    return interpret(derive(resolve(f"network net {{ input {input}\n{body}\n}}")), x1, x2)


def inputs(*shape: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(2, *shape)), rng.normal(size=(3, *shape))


def equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for root in ("nngp", "ntk"):
        limit = RELATIVE * np.abs(expected[root]).max()
        assert np.abs(found[root] - expected[root]).max() <= limit


CIRCULAR = "{ conv(3x2, padding = circular, b_std = 0.2) -> erf } * 2"


@pytest.mark.parametrize("end", ["global_avg_pool", "flatten"])
def test_translating_both_inputs_around_changes_nothing(end: str) -> None:
    x1, x2 = inputs(4, 5, 2)
    moved = [np.roll(x, (1, 3), axis=(1, 2)) for x in (x1, x2)]
    body = f"{CIRCULAR} -> {end} -> dense"
    equal(kernel("image[4, 5, 2]", body, *moved), kernel("image[4, 5, 2]", body, x1, x2))


def test_translating_one_input_around_changes_nothing_under_a_global_pool() -> None:
    x1, x2 = inputs(4, 5, 2)
    body = f"{CIRCULAR} -> global_avg_pool -> dense"
    expected = kernel("image[4, 5, 2]", body, x1, x2)
    equal(kernel("image[4, 5, 2]", body, np.roll(x1, (2, 1), axis=(1, 2)), x2), expected)


def test_a_global_pool_is_augmentation_by_translations() -> None:
    """The mean of the flattened network's kernel over all translations of one input."""
    x1, x2 = inputs(3, 4, 2)
    pooled = kernel("image[3, 4, 2]", f"{CIRCULAR} -> global_avg_pool", x1, x2)
    total = {"nngp": 0.0, "ntk": 0.0}
    for shift in np.ndindex(3, 4):
        moved = np.roll(x2, shift, axis=(1, 2))
        flat = kernel("image[3, 4, 2]", f"{CIRCULAR} -> flatten", x1, moved)
        total = {root: total[root] + flat[root] / 12 for root in total}
    equal(pooled, total)


def test_a_stride_keeps_every_other_value() -> None:
    """A 1x1 convolution with a stride sees the values without, sub-sampled."""
    x1, x2 = inputs(5, 6, 2)
    body = "conv(1, stride = {}) -> erf -> conv(2, b_std = 0.1) -> erf -> global_avg_pool"
    found = kernel("image[5, 6, 2]", body.format("2x3"), x1, x2)
    equal(found, kernel("image[3, 2, 2]", body.format("1"), x1[:, ::2, ::3], x2[:, ::2, ::3]))


def test_a_strided_window_is_the_plain_one_sub_sampled() -> None:
    x1, x2 = inputs(7, 2)
    plain = "conv(3, b_std = 0.1) -> erf -> conv(1, stride = 2) -> erf -> global_avg_pool"
    strided = "conv(3, stride = 2, b_std = 0.1) -> erf -> conv(1) -> erf -> global_avg_pool"
    args = ("sequence[7, 2]",)
    equal(kernel(*args, plain, x1, x2), kernel(*args, strided, x1, x2))


def test_channels_may_be_permuted() -> None:
    x1, x2 = inputs(4, 3, 5)
    order = [3, 0, 4, 2, 1]
    body = "conv(2) -> erf -> local_conv(2) -> erf -> global_avg_pool -> dense"
    expected = kernel("image[4, 3, 5]", body, x1, x2)
    equal(kernel("image[4, 3, 5]", body, x1[..., order], x2[..., order]), expected)


def test_axes_may_be_swapped() -> None:
    x1, x2 = inputs(4, 3, 2)
    body = "conv({}, stride = {}, padding = same) -> erf -> avg_pool({}) -> global_avg_pool"
    expected = kernel("image[4, 3, 2]", body.format("3x2", "2x1", "1x3"), x1, x2)
    swapped = [x.swapaxes(1, 2) for x in (x1, x2)]
    equal(kernel("image[3, 4, 2]", body.format("2x3", "1x2", "3x1"), *swapped), expected)


def test_an_axis_of_one_cell_is_none() -> None:
    x1, x2 = inputs(5, 2)
    body = "conv({}, padding = same) -> erf -> avg_pool({}) -> conv_transpose({}) -> flatten"
    expected = kernel("sequence[5, 2]", body.format("3", "2", "2"), x1, x2)
    image = [x[:, :, None, :] for x in (x1, x2)]
    equal(kernel("image[5, 1, 2]", body.format("3x1", "2x1", "2x1"), *image), expected)


def test_a_window_of_one_cell_is_dense_at_every_position() -> None:
    x1, x2 = inputs(3, 2, 4)
    dense = kernel("image[3, 2, 4]", "dense(b_std = 0.3) -> erf -> flatten", x1, x2)
    equal(kernel("image[3, 2, 4]", "conv(1, b_std = 0.3) -> erf -> flatten", x1, x2), dense)
    equal(
        kernel("image[3, 2, 4]", "conv_transpose(1, b_std = 0.3) -> erf -> flatten", x1, x2), dense
    )


def test_a_window_over_everything_is_flatten_and_dense() -> None:
    x1, x2 = inputs(3, 2, 4)
    flat = kernel("image[3, 2, 4]", "flatten -> dense(b_std = 0.3) -> erf -> dense", x1, x2)
    for name in ("conv", "local_conv"):
        body = f"{name}(3x2, b_std = 0.3) -> erf -> flatten -> dense"
        equal(kernel("image[3, 2, 4]", body, x1, x2), flat)


def test_sums_are_means_times_cells() -> None:
    x1, x2 = inputs(4, 6, 2)
    body = "conv(1) -> erf -> {}(2x3) -> {}"
    mean = kernel("image[4, 6, 2]", body.format("avg_pool", "global_avg_pool"), x1, x2)
    summed = kernel("image[4, 6, 2]", body.format("sum_pool", "global_sum_pool"), x1, x2)
    equal(summed, {root: 24.0**2 * value for root, value in mean.items()})
    # Means of equal windows are the mean of everything.
    whole = kernel("image[4, 6, 2]", "conv(1) -> erf -> global_avg_pool", x1, x2)
    equal(mean, whole)
