"""Interval arithmetic encloses: every value of a formula lies between the bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.node import Node, const, make, symbol, topological
from ntkc.ir.rates import derivative
from ntkc.symbolic.domain import gap
from ntkc.symbolic.intervals import RULES, enclosed, reached

Z = symbol("z")
NUMBERS = st.floats(-4.0, 4.0).map(const)
UNARY = ("abs", "neg", "exp", "expm1", "sin", "cos", "erf", "normal_cdf", "sqrt", "log", "inv_sqrt")
BINARY = ("add", "sub", "mul", "div", "min", "max")


def larger(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(make, st.sampled_from(UNARY), parts),
        st.builds(make, st.sampled_from(BINARY), parts, parts),
        st.builds(lambda *a: make("select", *a), parts, parts, parts),
        st.builds(lambda x, n: x**n, parts, st.integers(0, 5)),
    )


FORMULAS = st.recursive(st.just(Z) | NUMBERS, larger, max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(FORMULAS, st.floats(-20, 20), st.sampled_from([0.0, 1e-9, 1e-3, 0.3, 5.0]))
def test_values_lie_between_the_bounds(formula, start, width):
    """Of every part that has a value: `sqrt` of a negative number counts as 0 here and has none."""
    nodes = list(topological((formula,)))
    low, high = np.array([start]), np.array([start + width])
    bounds = enclosed((formula,), low, high)
    for place in np.linspace(start, start + width, 7):
        values = dict(zip(nodes, evaluate(nodes, {"z": np.float64(place)}), strict=True))
        undefined: set[Node] = set()
        for node in nodes:
            arguments = [values[a] for a in node.args]
            fails = node.op in ("sqrt", "log") and arguments[0] < 0
            if fails or not np.isfinite(values[node]) or not undefined.isdisjoint(node.args):
                undefined.add(node)
                continue
            found = bounds[node]
            assert found.low[0] <= values[node] <= found.high[0], (node, place)


@settings(max_examples=100, deadline=None)
@given(FORMULAS)
def test_formulas_and_their_slopes_are_made_of_what_it_knows(formula):
    operations = {n.op for n in topological((formula, derivative(formula, Z)))}
    assert operations - {"const", "symbol"} <= set(RULES)


@settings(max_examples=200, deadline=None)
@given(FORMULAS)
def test_a_place_without_a_value_has_none(formula):
    """What `gap` says, plain evaluation says too: there, or (of a divisor) beside it."""
    found = gap(formula)
    if found is None:
        return
    argument = found.part.args[-1]
    at = found.place + np.array([-1e-6, 0.0, 1e-6]) * max(1.0, abs(found.place))
    (values,) = evaluate([argument], {"z": at})
    values = np.broadcast_to(values, at.shape)
    if found.part.op == "div":
        (far,) = evaluate([argument], {"z": at + 1e-3 * max(1.0, abs(found.place))})
        assert abs(values[1]) <= 1e-6 * max(1.0, np.max(np.abs(far)))
    else:
        assert values[1] <= 0.0


def test_a_branch_that_is_not_taken_is_not_reached():
    root = make("sqrt", Z)
    formula = make("select", Z, root, const(0.0))
    bounds = enclosed((formula,), np.array([-2.0, -1.0, 1.0]), np.array([-1.0, 1.0, 2.0]))
    some, every = reached(formula, bounds)[root]
    assert some.tolist() == [False, True, True]
    assert every.tolist() == [False, False, True]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_divisor_of_one_sign_bounds_on_one_side(sign):
    quotient = const(sign) / Z
    found = enclosed((quotient,), np.array([0.0]), np.array([2.0]))[quotient]
    assert np.isinf([found.low[0], found.high[0]]).tolist() == [sign < 0, sign > 0]
