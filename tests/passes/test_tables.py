"""Tables of polynomials by octaves: held to the recursion in 50 digits where networks bend most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ntkc
from ntkc.explain import explain_model
from ntkc.ir.arithmetic import evaluate, numpy_arithmetic
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.ir.module import Module
from ntkc.ir.node import Node, topological
from ntkc.ir.octaves import Octaves
from ntkc.ir.verify import broken_rules
from ntkc.passes.angle import CERTIFIED, fit
from ntkc.passes.collapse import _split, collapse, collapsible
from ntkc.passes.pipeline import SHARED, run
from ntkc.passes.tables import bends, shortest_table
from ntkc.passes.truth import extended, formula, value_of
from tests.backends.kernels import network, understood

SIZE = 6
ROOM = 24 * 1024
CHAOTIC = {
    "erf": "{ dense(w_std = 1.6, b_std = 0.1) -> erf } * 30",
    "odd": "{ dense(w_std = 1.6) -> erf } * 30",
    "steep": "{ dense(w_std = 2) -> erf } * 60",
    "gelu": "{ dense(w_std = 1.5) -> gelu } * 30",
    "sin": "{ dense(w_std = 1.2, b_std = 0.2) -> sin } * 20",
}
_EXACT = mpmath_arithmetic(50)


def source(body: str) -> str:
    return network(body, "dense", size=f"{SIZE}] normalized #")


@cache
def folded(body: str) -> Module:
    return run(understood(source(body)).module, SHARED)


def core(body: str, root: str = "ntk") -> Node:
    found = _split(folded(body).roots[root])[1]
    assert found is not None
    return found


def complements(form: Node) -> list[float]:
    """Both ends, tiny ones, and both sides of where octaves and their parts meet."""
    (table,) = (Octaves.of(node) for node in topological((form,)) if node.op == "octaves")
    found = [0.0, 1e-300, 1e-30, 1e-16, 1e-8, 1e-3, 0.3, 1.0, 1.5, 2 - 1e-12, 2.0]
    for octave in range(table.first, 0, 7):
        eta = (2.0**octave * (1 + (octave % 2) / table.parts) - table.low) / (1 - table.low)
        found += [float(np.nextafter(eta, 0)), eta]
    return [eta for eta in found if eta >= 0]


def exactly(form: Node, eta: Iterable[float | Any]) -> list[Any]:
    """In 50 digits."""
    written = formula(form)
    return [evaluate([written], {"eta": e}, _EXACT)[0] for e in eta]


@pytest.mark.parametrize("root", ["nngp", "ntk"])
@pytest.mark.parametrize("name", CHAOTIC)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_table_is_the_recursion(name: str, root: str, dtype: str) -> None:
    """As it is computed, relative to values from half the complement on: small ones keep digits."""
    exact = core(CHAOTIC[name], root)
    with np.errstate(all="ignore"):
        smooth = bends(exact, dtype)
        assert smooth is not None
        found = shortest_table(smooth, ROOM, CERTIFIED[dtype])
    assert found is not None
    assert found.error <= CERTIFIED[dtype]
    kind, eps = np.dtype(dtype).type, float(np.finfo(dtype).eps)
    eta = np.array([kind(e) for e in complements(found.form)])
    # Next to opposition the recursion of a mirror image is not quite one: that is another test.
    eta = eta[eta <= 1.875] if smooth.mirrored else eta
    values = value_of(found.form, numpy_arithmetic(dtype))(eta)
    true = exactly(exact, [float(e) for e in eta])
    moved = exactly(exact, [_EXACT.number(float(e)) * (1 + _EXACT.number(eps / 2)) for e in eta])
    for e, value, t, m in zip(eta, values, true, moved, strict=True):
        at = max(abs(w) for w, other in zip(true, eta, strict=True) if other >= min(e, 1) / 2)
        # 8 roundings, and what one of the complement makes. Values that are small differences have
        # what extended precision leaves of them, 2^-63 in each of 60 layers; those of a mirror
        # image beyond 1, the roundings of the recursion's own constants.
        allowed = (
            8 * eps * float(at)
            + 2 * float(abs(m - t))
            + 60 * (2.0**-63 + eps * bool(smooth.mirrored and e >= 1))
        )
        assert abs(float(value) - float(t)) <= allowed, (float(e), float(value), float(t))
    assert float(values[0]) == float(kind(float(true[0])))


@pytest.mark.parametrize("name", ["erf", "odd"])
def test_kernels_against_the_derived_recursion(name: str) -> None:
    """From inputs, in 50 digits, not from what passes made of it."""
    front = understood(source(CHAOTIC[name]))
    angles = np.array([0.0, 1e-15, 1e-9, 1e-6, 1e-4, 0.01, 0.3, 1.2, 2.0])
    x = np.sqrt(SIZE) * np.eye(SIZE)[:1]
    z = np.sqrt(SIZE) * np.array([[np.cos(a), np.sin(a), 0, 0, 0, 0] for a in angles])
    z[1, 0] = np.sqrt(SIZE)
    given_ = [np.vectorize(_EXACT.number, otypes=[object])(v) for v in (x, z)]
    true = interpret(front.module, *given_, arithmetic=_EXACT)
    kernel = ntkc.compile(source=source(CHAOTIC[name]))
    for root in ("nngp", "ntk"):
        found = kernel(x, z, get=root)[0]
        # Of 30 layers, whose constants are rounded (2^-53 each, and their complements likewise);
        # values of a saturated pair are small differences.
        for value, expected in zip(found, true[root][0], strict=True):
            assert abs(value - float(expected)) <= 5e-14 * abs(float(expected)) + 2e-14


def test_opposite_inputs_of_an_odd_network() -> None:
    """The recursion loses them: 2 less a rounding is magnified 2^60 times."""
    x = np.random.default_rng(2).standard_normal((5, SIZE))
    x /= np.sqrt((x * x).mean(axis=1, keepdims=True))
    kernel = ntkc.compile(source=source(CHAOTIC["steep"]))
    same, opposite = (kernel(x, z) for z in (x, -x))
    assert np.array_equal(np.diag(opposite), -np.diag(same))
    # 2^-53 in each of 60 layers.
    assert np.diag(same) == pytest.approx(kernel.diag(x), rel=3e-14)


def test_a_bias_that_matters_only_to_opposite_inputs_is_seen() -> None:
    """1e-7 makes 1e-14 of a complement, and the network 10^-7 of it: no mirror image."""
    body = "{ dense(w_std = 1.3, b_std = 1e-7) -> erf } * 100"
    for root in ("nngp", "ntk"):
        exact = core(body, root)
        found = fit(exact, "float64", ROOM)
        if found.error <= CERTIFIED["float64"]:
            value = value_of(found.form, numpy_arithmetic("float64"))(np.array([2.0]))[0]
            # 2^-53 of the first complement, magnified to 1e-8 of the value.
            assert value == pytest.approx(float(exactly(exact, [2.0])[0]), rel=1e-7)


def networks() -> st.SearchStrategy[str]:
    return st.builds(
        "{{ dense(w_std = {}, b_std = {}) -> {} }} * {}".format,
        st.sampled_from([0.8, 1.0, 1.3, 1.7, 2.2]),
        st.sampled_from([0.0, 0.05, 0.5]),
        st.sampled_from(["erf", "sin", "gelu", "cos", "relu", "abs", "rbf(1)"]),
        st.integers(12, 40),
    )


@given(networks(), st.sampled_from(["float64", "float32"]), st.integers(0, 2**32 - 1))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_random_networks(body: str, dtype: str, seed: int) -> None:
    """What a network collapses to, quotient, table or series, at random complements."""
    exact = core(body)
    found = fit(exact, dtype, ROOM)
    if found.error > CERTIFIED[dtype]:
        return
    rng = np.random.default_rng(seed)
    eta = np.concatenate([2.0 ** rng.uniform(-60, 0, 60), rng.uniform(0, 1.8, 40)]).astype(dtype)
    long = eta.astype(np.longdouble)
    with np.errstate(all="ignore"):
        values = value_of(found.form, numpy_arithmetic(dtype))(eta)
        truth = value_of(exact, extended())
        eps = np.finfo(dtype).eps
        felt = np.abs(truth(long * (1 + eps)) - truth(long))
        gaps = np.abs(values - truth(long)) - felt
        largest = np.abs(truth(np.zeros(1, np.longdouble))).max()
    assert gaps.max() <= 10 * eps * max(largest, np.abs(truth(long)).max())


def test_room_is_kept() -> None:
    """A module's tables fit into what a CUDA device has for constants, whatever its roots."""
    module = folded(CHAOTIC["steep"])
    found = collapse(module, "float64")
    sizes = [8 * Octaves.of(n).size for n in tables(found)]
    assert len(sizes) == 2
    assert max(sizes) <= 24 * 1024
    assert sum(sizes) <= 48 * 1024
    assert not broken_rules(found)
    with np.errstate(all="ignore"):
        smooth = bends(core(CHAOTIC["steep"]), "float64")
        assert smooth is not None
        assert shortest_table(smooth, 4096, CERTIFIED["float64"]) is None


def tables(module: Module) -> Iterator[Node]:
    return (node for node in topological(module.roots.values()) if node.op == "octaves")


def test_explain_tells() -> None:
    shown = " ".join(explain_model(understood(source(CHAOTIC["erf"]))).split())
    assert "a table by octaves" in shown
    (nngp, ntk) = collapsible(folded(CHAOTIC["erf"]), "float64")
    assert 10 * ntk.after < ntk.before
    assert 5 * nngp.after < nngp.before


def test_what_float64_alone_knows_stays_a_recursion() -> None:
    """Owen's T has no more digits: nothing could be held to it."""
    body = "{ dense(w_std = 1.5, b_std = 0.1) -> hard_tanh } * 6"
    assert not list(collapsible(folded(body), "float64"))
    shown = " ".join(explain_model(understood(source(body))).split())
    assert "`erf` is known in float64 alone" in shown
