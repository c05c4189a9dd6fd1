"""Every activation, with every sample of its arguments, twice in a network on positions.

Generated code, run as Python, against the interpreter of the recursion. The convolutions
shrink what they are given, so that the fast-growing activations stay in float32's range; all but
those before `soft_shrink`, which leaves nothing of what is small.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.activations.test_oracle import call, identify
from tests.backends.test_slices import check, network
from tests.oracle.build import ALL


def convolutional(case: Any, end: str) -> str:
    """conv -> activation -> conv -> activation -> end."""
    std = 2.0 if case[0] == "soft_shrink" else 0.5
    conv, activation = f"conv(2, @, w_std = {std}, b_std = 0.1)", call(*case)
    layers = [conv, activation, conv, activation, end]
    return network(" -> ".join(layers), "sequence[3, 2]")


@pytest.mark.parametrize("case", ALL, ids=identify)
def test_pooled_in_float64(case: Any, tmp_path: Path) -> None:
    check(convolutional(case, "global_avg_pool"), tmp_path, rows=(2, 2))


@pytest.mark.parametrize("case", ALL, ids=identify)
def test_flattened_in_float32(case: Any, tmp_path: Path) -> None:
    check(convolutional(case, "flatten"), tmp_path, "float32", rows=(2, 2))


def behind_a_pool(activation: str) -> str:
    """Variances that do not follow from those of the input: of an image with itself."""
    layers = f"conv(2, w_std = 0.5) -> avg_pool(2, stride = 1) -> conv(1) -> {activation}"
    return network(f"{layers} -> conv(2, @) -> {activation} -> dropout(0.3) -> flatten")


KINDS = ("cos(0.9, 1.2, 0.1)", "exp_normalized", "gelu", "hard_tanh", "rbf(0.7)", "tanh")


@pytest.mark.parametrize("activation", KINDS)
def test_behind_a_pool(activation: str, tmp_path: Path) -> None:
    check(behind_a_pool(activation), tmp_path, rows=(2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=identify)
def test_all_behind_a_pool(case: Any, tmp_path: Path) -> None:
    check(behind_a_pool(call(*case)), tmp_path, rows=(2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=identify)
def test_the_other_way_round(case: Any, tmp_path: Path) -> None:
    check(convolutional(case, "flatten"), tmp_path, rows=(2, 2))
    check(convolutional(case, "global_avg_pool"), tmp_path, "float32", rows=(2, 2))
