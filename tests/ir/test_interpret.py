"""The interpreter, which defines what kernel IR means, against independent values."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from ntkc.ir.arithmetic import numpy_arithmetic
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.ir.module import Input, Module
from ntkc.ir.node import make, param
from tests.backends.kernels import ROOTS, network, with_diagonals
from tests.network.programs import REFERENCE, SPATIAL_CASES, VECTOR_CASES

RELATIVE = 1e-10
COINCIDENT = 1e-7
"""Textbook formulas in float64, as the reference's, know coincident pairs to sqrt(eps)."""


def _case(name: str) -> tuple[Module, dict[str, Any]]:
    with np.load(REFERENCE / f"{name}.npz") as stored:
        return with_diagonals((REFERENCE / f"{name}.ntk").read_text()), dict(stored)


@pytest.mark.parametrize("name", VECTOR_CASES)
def test_reference(name: str) -> None:
    module, case = _case(name)
    x1, x2 = case["x1"], case["x2"]
    same = (x1[:, None, :] == x2[None, :, :]).all(axis=2)
    found = interpret(module, x1, x2)
    for root in ROOTS:
        limit = np.where(same, COINCIDENT, RELATIVE) * np.abs(case[root])
        assert (np.abs(found[root] - case[root]) <= limit).all()
        if f"{root}_self" in case:
            own = np.diag(case[f"{root}_self"])
            # The reference's own diagonals come from its pairs' formulas.
            assert (np.abs(found[f"{root}_diagonal"] - own) <= COINCIDENT * np.abs(own)).all()


@pytest.mark.parametrize("name", SPATIAL_CASES)
def test_reference_on_positions(name: str) -> None:
    """Images, sequences: pairs, an array with itself, and what is known of one input alone.

    Near coincident means the same example: some of its pairs of positions coincide, and there the
    reference, which takes arccos of a rounded cosine, states 1e-8 for itself.
    """
    module, case = _case(name)
    x1, x2 = case["x1"], case["x2"]
    between = interpret(module, x1, x2)
    itself = interpret(module, x1, x1)
    rows = x1.reshape(len(x1), 1, -1), x2.reshape(1, len(x2), -1)
    same = (rows[0] == rows[1]).all(axis=2)
    for root in ROOTS:
        own = np.diag(case[f"{root}_self"])
        _agree(between[root], case[root], same)
        _agree(itself[root], case[f"{root}_self"], np.eye(len(x1), dtype=bool))
        _agree(between[f"{root}_diagonal"], own, np.True_)


def _agree(found: Any, expected: Any, same: Any) -> None:
    limit = np.where(same, 1e-8, RELATIVE) * np.abs(expected)
    assert (np.abs(found - expected) <= limit).all()


@pytest.mark.parametrize("name", ["fc3_relu", "fc1_gelu", "concat_fc", "layer_norm_relu"])
def test_reference_in_mpmath(name: str) -> None:
    module, case = _case(name)
    arithmetic = mpmath_arithmetic(30)
    convert = np.frompyfunc(lambda value: arithmetic.number(0) + float(value), 1, 1)
    x1, x2 = convert(case["x1"][:2]), convert(case["x2"][1:3])
    found = interpret(module, x1, x2, None, arithmetic)
    for root in ROOTS:
        right = case[root][:2, 1:3]
        assert (np.abs(found[root].astype(float) - right) <= 1e-12 * np.abs(right)).all()


# L, the angle in units of pi, NNGP, NTK: design values in 30-digit arithmetic.
TABLE = [
    (1, mpmath.mpf(1) / 3, 1.2179955620884587, 1.8846622287551254),
    (1, mpmath.mpf(1) / 2, 0.63661977236758134, 0.63661977236758134),
    (2, mpmath.mpf(1) / 3, 1.3678113017974119, 2.7029591222469663),
    (3, mpmath.mpf(1) / 3, 1.476256384602001, 3.475689358430618),
    (3, mpmath.mpf(1), 0.9874621804007431, 1.371417272565885),
    (5, mpmath.mpf(1) / 2, 1.4718927012552733, 3.5843919336891856),
    (10, mpmath.mpf(1) / 3, 1.7952934596146451, 8.2167030528454977),
    (10, mpmath.mpf(1), 1.7096184750978116, 6.3118948978433971),
]


def _unit_inputs(angle: Any) -> tuple[Any, Any]:
    """Rows with inner products / size of 1 and cos(angle)."""
    root = mpmath.sqrt(2)
    x = np.array([[root, 0 * root]], dtype=object)
    z = np.array([[root * mpmath.cospi(angle), root * mpmath.sinpi(angle)]], dtype=object)
    return x, z


@pytest.mark.parametrize(("depth", "angle", "nngp", "ntk"), TABLE)
def test_table_of_values(depth: int, angle: Any, nngp: float, ntk: float) -> None:
    text = network(
        f"{{ dense(w_std = sqrt(2)) -> relu }} * {depth}", "dense(w_std = sqrt(2))", size=2
    )
    with mpmath.workdps(40):
        x, z = _unit_inputs(angle)
        exact = interpret(with_diagonals(text), x, z, None, mpmath_arithmetic(40))
    assert float(exact["nngp"][0, 0]) == pytest.approx(nngp, rel=1e-15)
    assert float(exact["ntk"][0, 0]) == pytest.approx(ntk, rel=1e-15)
    assert float(exact["ntk_diagonal"][0]) == 2 * (depth + 1)
    rounded = interpret(with_diagonals(text), x.astype(float), z.astype(float))
    # At pi the angle itself is only known to sqrt(eps) once it comes from a cosine.
    limit = 1e-13 if angle < 1 else 1e-7
    assert rounded["nngp"][0, 0] == pytest.approx(nngp, rel=limit)
    assert rounded["ntk"][0, 0] == pytest.approx(ntk, rel=limit)


def test_parameters_have_defaults_and_can_be_given() -> None:
    module = with_diagonals(network("dense(w_std = w)", before="param w = 3\n"))
    x = np.eye(7)[:2]
    assert interpret(module, x, x)["nngp"][0, 0] == pytest.approx(9 / 7)
    assert interpret(module, x, x, {"w": 2.0})["nngp"][0, 0] == pytest.approx(4 / 7)


def test_every_root_has_its_shape() -> None:
    module = with_diagonals(network("dense(w_std = 0, b_std = 1)"))
    found = interpret(module, np.ones((2, 7)), np.ones((3, 7)))
    assert {name: value.shape for name, value in found.items()} == {
        "nngp": (2, 3), "ntk": (2, 3), "nngp_diagonal": (2,), "ntk_diagonal": (2,),
    }  # fmt: skip


def test_float32_stays_float32() -> None:
    x = np.ones((2, 7), np.float32)
    found = interpret(
        with_diagonals(network("dense -> relu -> dense")), x, x, None, numpy_arithmetic(np.float32)
    )
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}


def test_single_inputs_have_the_limits_of_pairs() -> None:
    """An all-zero input is not correlated with others, but is with itself: a sign has square 1."""
    found = interpret(
        with_diagonals(network("dense -> sign -> dense")), np.zeros((1, 7)), np.ones((1, 7))
    )
    assert found["nngp_diagonal"][0] == 1.0
    assert abs(found["nngp"][0, 0]) < 1e-15


def test_leaves() -> None:
    x, z = np.array([[3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    roots = {
        "nngp": make("product"),
        "ntk": make("gram_complement"),
        "ntk_diagonal": make("inverse_size") * param("w"),
    }
    found = interpret(Module("n", Input("vector", (2,)), (), roots), x, z, {"w": 1.0})
    assert found["nngp"].tolist() == [[3.0, 0.0]]
    assert found["ntk"] == pytest.approx(np.array([[0.4, 1.0]]))
    assert found["ntk_diagonal"].tolist() == [0.5]
