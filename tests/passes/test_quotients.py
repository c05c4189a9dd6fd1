"""Quotients of sums: least squares held to exact solutions, fits to quotients that are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ntkc.passes.quotients import basis, least_squares, quotients


def test_least_squares_are_solved_in_extended_precision() -> None:
    """A Hilbert matrix of 6 columns, of condition 1e7, and a solution of integers."""
    matrix = np.array([[np.longdouble(1) / (i + j + 1) for j in range(6)] for i in range(9)])
    expected = [3, -1, 4, -1, 5, -9]
    values = matrix @ np.array(expected, np.longdouble)
    # The condition times a rounding of 80 bits; of 64 bits it would be 1e-9.
    assert np.abs(least_squares(matrix, values) - expected).max() < 1e-11


def test_least_squares_where_nothing_is_exact() -> None:
    """The normal equations in fractions."""
    matrix = [[1, 0], [1, 1], [1, 3]]
    values = [1, 2, 7]
    # 3 a + 4 b = 10, 4 a + 10 b = 23
    expected = [Fraction(4, 7), Fraction(29, 14)]
    found = least_squares(np.array(matrix, np.longdouble), np.array(values, np.longdouble))
    assert found.astype(float) == pytest.approx([float(x) for x in expected], rel=1e-15)


def test_columns_of_zeros_have_no_part() -> None:
    matrix = np.array([[1, 0], [2, 0], [3, 0]], np.longdouble)
    found = least_squares(matrix, np.array([2, 4, 6], np.longdouble))
    assert found.astype(float) == pytest.approx([2.0, 0.0])


def test_the_basis_is_of_sines_and_complements() -> None:
    theta = np.linspace(0, np.pi / 2, 7)
    inner = 1 - np.cos(theta)
    columns = basis((inner / 0.5).astype(np.longdouble), 0.5, 4, "float64").astype(float)
    expected = [np.sin(theta), inner / 0.5, np.sin(theta) * inner / 0.5, (inner / 0.5) ** 2]
    assert columns == pytest.approx(np.stack(expected, axis=1), abs=1e-15)
    powers = basis(np.array([2.0], np.longdouble), 0.0, 3, "float64")
    assert powers.tolist() == [[2, 4, 8]]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_quotient_is_found_again(dtype: str) -> None:
    """(sigma + eta)/(2 + 3 sigma + 3 eta), or (t + t^2)/(1 + 3 t + 4 t^2) at t = tan(theta/2):
    nothing is common to both, so that the coefficients are the only ones.
    """
    columns = basis(np.linspace(0, 2, 101).astype(np.longdouble), 1.0, 2, dtype)
    both = columns.sum(axis=1)
    above, below = list(quotients(columns, both / (2 + 3 * both), dtype))[-1]
    assert above == pytest.approx((0.5, 0.5), abs=4 * float(np.finfo(dtype).eps))
    assert below == pytest.approx((1.5, 1.5), abs=4 * float(np.finfo(dtype).eps))
