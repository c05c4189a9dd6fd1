"""Every pass preserves what a module means: interpreted before and after, in 40 digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ntkc.ir.module import Input, Module, Parameter
from ntkc.ir.node import Node, const, inv_sqrt, make, param, sqrt, topological
from ntkc.ir.verify import verify
from ntkc.passes.fold import fold
from ntkc.passes.pipeline import SHARED, vector_passes
from tests.backends.kernels import at_angles, network, understood
from tests.network.strategies import programs
from tests.passes.oracle import Array, in_digits, scales

SIZE = 5
_BASE = np.random.default_rng(5).standard_normal(SIZE)
FIRST = np.stack([_BASE, 0 * _BASE])
SECOND = np.concatenate([at_angles(_BASE, [0.0, 1e-6, 0.5, 2.0]), np.outer([2.0, 0.0], _BASE)])

# Constants are folded in float64, and polynomials replace functions to a few roundings.
TOLERANCES = {"float64": 1e-14, "float32": 2e-6}


def _error(after: Array, before: Array, scale: Array) -> float:
    return float((np.abs(after - before) / np.where(scale > 0, scale, 1.0)).max())


def _check(text: str, dtype: str, parameters: dict[str, float]) -> None:
    before = understood(text).module
    given_parameters = {p.name: parameters[p.name] for p in before.parameters}
    values = in_digits(SHARED[0].run(before), FIRST, SECOND, given_parameters)
    scale = scales(SHARED[0].run(before), FIRST, SECOND, values)
    for step in (*SHARED, *vector_passes(dtype)):
        after = step.run(before)
        verify(after, step.name)
        found = in_digits(after, FIRST, SECOND, given_parameters)
        for root in after.roots:
            exact = step.name in ("diagonals", "expand")
            limit = 1e-14 if exact or step.name == "fold" else TOLERANCES[dtype]
            assert _error(found[root], values[root], scale[root]) <= limit, (step.name, root)
        before = after


@settings(deadline=None, max_examples=15)
@given(
    programs(size=SIZE, layers=5),
    st.sampled_from(["float64", "float32"]),
    st.fixed_dictionaries(
        {"w_std": st.sampled_from([0.0, 1.2]), "b_std": st.sampled_from([0.0, 0.7])}
    ),
)
def test_random_networks(text: str, dtype: str, parameters: dict[str, float]) -> None:
    _check(text, dtype, parameters)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(
    programs(size=SIZE, layers=12),
    st.sampled_from(["float64", "float32"]),
    st.fixed_dictionaries(
        {"w_std": st.sampled_from([0.0, 0.6, 1.2]), "b_std": st.sampled_from([0.0, 0.7])}
    ),
)
def test_many_random_networks(text: str, dtype: str, parameters: dict[str, float]) -> None:
    _check(text, dtype, parameters)


@pytest.mark.parametrize(
    "layers",
    [
        ["{ dense(w_std = 1.3, b_std = 0.2) -> relu } * 2", "dense"],
        # What a jump makes of an input of variance zero is a convention: there is a bias here.
        ["dense -> relu -> dense(b_std = 0.2) -> sign", "dense -> step -> dense"],
        ["dense -> rectified_monomial(4) -> dense -> monomial(3) -> dense"],
        ["dense -> polynomial([0.5, 1, -0.3, 0.2]) -> dense -> hermite(3)", "dense"],
        ["{ dense(b_std = 0.1) -> erf } * 5", "dense"],
        ["normalize", "dense -> abrelu(0.2, -0.4) -> dropout(0.3) -> dense -> exp(1, 0.5)"],
    ],
    ids=" ".join,
)
def test_networks(layers: list[str]) -> None:
    for dtype in TOLERANCES:
        _check(network(*layers, size=SIZE), dtype, {})


# --- fold on any expression ----------------------------------------------------------------

_W, _B = param("w"), param("b")
_GRAMS = [make("gram", varies=v) for v in ("ROW", "COL", "CROSS")]
_POSITIVE = [_GRAMS[0], _GRAMS[1], const(1.0) + _GRAMS[0], const(1.0) + _GRAMS[1], const(2.0)]
_NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -4.0]  # products of these are exact
_LEAVES = [*map(const, _NUMBERS), _W, _B, *_GRAMS]


@st.composite
def _expressions(draw: st.DrawFn, arguments: st.SearchStrategy[Node]) -> Node:
    op = draw(st.sampled_from(["add", "sub", "mul", "neg", "power", "root", "div", "shared"]))
    x, y = draw(arguments), draw(arguments)
    if op == "neg":
        return -x
    if op == "power":
        return x ** draw(st.integers(0, 3))
    if op == "root":
        radicand = draw(st.sampled_from(_POSITIVE)) * draw(st.sampled_from(_POSITIVE))
        return draw(st.sampled_from([sqrt, inv_sqrt]))(radicand) * x
    if op == "div":
        return x / (draw(st.sampled_from(_POSITIVE)) * draw(st.sampled_from(_POSITIVE)))
    if op == "shared":
        return (x + y) * (x + y)
    return make(op, x, y)


expressions = st.recursive(st.sampled_from(_LEAVES), _expressions, max_leaves=16)


@settings(deadline=None, max_examples=150)
@given(expressions)
def test_fold_preserves_any_expression(root: Node) -> None:
    """Up to a rounding of the largest value on the way, since sums of such may cancel."""
    parameters = (Parameter("w", 1.5), Parameter("b", -0.25))
    before = Module("net", Input("vector", (SIZE,)), parameters, {"ntk": root})
    after = fold(before)
    x1, x2 = FIRST[:1], SECOND[2:4]
    parts = list(topological([root]))
    every = Module("net", before.input, parameters, {f"part{k}": n for k, n in enumerate(parts)})
    largest = max(float(np.abs(v).max()) for v in in_digits(every, x1, x2).values())
    assume(largest < 1e100)
    found, expected = (in_digits(m, x1, x2)["ntk"] for m in (after, before))
    assert float(np.abs(found - expected).max()) <= 1e-12 * max(largest, 1.0) ** 2


@settings(deadline=None)
@given(expressions)
def test_fold_is_idempotent(root: Node) -> None:
    once = fold(Module("net", Input("vector", (SIZE,)), (), {"ntk": root}))
    again = fold(once)
    twice = fold(again)
    # A second run may find more to gather in what the first has built, a third may not.
    assert twice.roots["ntk"] is again.roots["ntk"]


def test_fold_of_networks_is_idempotent() -> None:
    for layers in ("{ dense(b_std = 0.1) -> relu } * 3", "dense -> gelu -> dense -> erf"):
        module = understood(network(layers, "dense")).module
        for step in SHARED:
            module = step.run(module)
        again = fold(module)
        assert all(again.roots[name] is root for name, root in module.roots.items())
