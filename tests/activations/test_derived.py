"""Derived closed forms against quadrature of the activation, which knows no formula.

The integral over u and v is iterated Gauss-Legendre quadrature on panels that end at kinks, with
panels as narrow as the pair is correlated where the inner integral turns. Its own error is a few
roundings of E|f f|.
"""

import numpy as np
import pytest
from scipy import special

import ntkc
from ntkc import activations
from ntkc.activations._derived import Derived
from ntkc.diagnostics import Source
from ntkc.driver import Options, front_end
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.interpret import interpret
from ntkc.ir.node import function, substitute, symbol
from ntkc.passes.diagonals import diagonals
from ntkc.symbolic.routes import Dual, Expression, closed_form
from tests.oracle.functions import DECAYS

Z = symbol("z")
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
REACH = 13.0
GRID = list(np.linspace(-REACH, REACH, 27))
WIDTHS = (0.0, 0.3, 0.7, 1.2, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)


def panels(cuts):
    cuts = np.unique([c for c in cuts if abs(c) <= REACH])
    middle, half = (cuts[1:] + cuts[:-1]) / 2, (cuts[1:] - cuts[:-1]) / 2
    x = middle[:, None] + half[:, None] * NODES
    weights = half[:, None] * WEIGHTS * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return x.ravel(), weights.ravel()


def expectation(f, kinks, eta, p, q):
    """E[f(u) f(v)] at correlation 1 - eta."""
    rho, side = 1 - eta, np.sqrt(eta * (2 - eta))
    a, b = np.sqrt(p), np.sqrt(q)
    first = [*GRID, *(k / a for k in kinks)]
    if side == 0:
        x, weights = panels([*first, *(k / (rho * b) for k in kinks)])
        return float(np.sum(weights * f(a * x) * f(b * rho * x)))
    if rho != 0:
        turns = [k / (rho * b) for k in kinks]
        first += [t + sign * w * side / abs(rho) for t in turns for w in WIDTHS for sign in (1, -1)]
    x, weights = panels(first)
    total = 0.0
    for place, weight in zip(x, weights * f(a * x), strict=True):
        y, inner = panels([*GRID, *((k / b - rho * place) / side for k in kinks)])
        total += weight * float(inner @ f(b * (rho * place + side * y)))
    return total


def named(name, *arguments):
    """f, f' and kinks of a named activation, written again."""
    if name == "soft_shrink":
        (t,) = arguments
        return (
            lambda x: np.maximum(x - t, 0) + np.minimum(x + t, 0),
            lambda x: (abs(x) > t) * 1.0,
            (-t, t),
        )
    low, high, slope = {
        "relu6": (0.0, 6.0, 1.0),
        "hard_tanh": (-1.0, 1.0, 1.0),
        "clip": (*arguments, 1.0),
        "hard_sigmoid": (-3.0, 3.0, 1 / 6),
        "hard_swish": (-3.0, 3.0, 1 / 6),
    }[name]
    if name == "hard_swish":
        return (
            lambda x: x * np.clip(x + 3, 0, 6) / 6,
            lambda x: np.where(x < -3, 0.0, np.where(x > 3, 1.0, (2 * x + 3) / 6)),
            (low, high),
        )
    shift = 0.5 if name == "hard_sigmoid" else 0.0
    return (
        lambda x: slope * np.clip(x, low, high) + shift,
        lambda x: slope * ((x > low) & (x < high)),
        (low, high),
    )


NAMED = [
    n
    for n in activations.names()
    if isinstance(activations.load(n), Derived) and n not in DECAYS  # those have a series
]


def samples(name):
    columns = [[p.default, *p.samples] for p in activations.load(name).parameters]
    count = max(map(len, columns), default=1)
    return [tuple(column[k % len(column)] for column in columns) for k in range(count)]


CASES = [(name, arguments) for name in NAMED for arguments in samples(name)]
VARIANCES = [(1e-6, 1e-6), (1e-6, 2.3), (0.01, 0.4), (1.0, 1.0), (0.3, 1.1), (3.7, 100.0)]
ETAS = [0.0, 1e-12, 1e-6, 0.05, 0.5, 1.0, 1.5, 2 - 1e-6, 2 - 1e-12, 2.0]


def check(forms, numbers, f, slope, kinks, pairs, etas, jumps=False):
    for which, g in (("dual", f), ("dual_dot", slope)):
        if which == "dual_dot" and jumps:
            continue
        near = forms.near if which == "dual" else forms.near_dot
        for p, q in pairs:
            tops = [expectation(g, kinks, 0.0, x, x) for x in (p, q)]
            size = np.sqrt(max(tops[0] * tops[1], 0.0))
            for eta in etas:
                exact = expectation(g, kinks, eta, p, q)
                at = {"eta": np.float64(eta), "p": np.float64(p), "q": np.float64(q), **numbers}
                at["c"] = np.float64((1 - eta) * np.sqrt(p * q))
                (value,) = evaluate([near if near is not None else getattr(forms, which)], at)
                # Rounding of forms and quadrature; and tails, which are known absolutely: to a
                # rounding of the largest term, p + q + 1 at most here.
                bound = 2e-13 * size + 1e-15 * (1 + p + q)
                assert abs(value - exact) <= bound, (which, p, q, eta, value, exact)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_named_activations_are_the_expectations(name, arguments):
    bound = activations.load(name).bind(arguments)
    numbers = {s: np.float64(v) for s, v in zip(bound.symbols, arguments, strict=True)}
    f, slope, kinks = named(name, *arguments)
    check(bound.forms(), numbers, f, slope, kinks, VARIANCES[::2], ETAS[::3])
    check(bound.forms(), numbers, f, slope, kinks, VARIANCES[1::2], (0.0, 0.3, 2 - 1e-12))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_named_activations_on_the_whole_grid(name, arguments):
    bound = activations.load(name).bind(arguments)
    numbers = {s: np.float64(v) for s, v in zip(bound.symbols, arguments, strict=True)}
    check(bound.forms(), numbers, *named(name, *arguments), VARIANCES, ETAS)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_diagonals_and_zero_variance(name, arguments):
    bound = activations.load(name).bind(arguments)
    numbers = {s: np.float64(v) for s, v in zip(bound.symbols, arguments, strict=True)}
    f, slope, kinks = named(name, *arguments)
    forms = bound.forms()
    for p in (1e-6, 0.3, 9.0):
        for form, g in ((forms.diagonal, f), (forms.diagonal_dot, slope)):
            (value,) = evaluate([form], {"p": np.float64(p), **numbers})
            exact = expectation(g, kinks, 0.0, p, p)
            assert abs(value - exact) <= 1e-13 * exact + 1e-15 * (1 + p)
    for p, q in ((0.0, 0.0), (0.0, 1.3), (0.7, 0.0)):
        at = {"c": np.float64(0), "p": np.float64(p), "q": np.float64(q), "eta": np.float64(1)}
        for form in (forms.dual, forms.dual_dot, forms.complement, forms.near, forms.near_dot):
            (value,) = evaluate([form], {**at, **numbers})
            assert np.isfinite(value)


max_, min_ = (lambda x, y: function("max", x, y)), (lambda x, y: function("min", x, y))
phi = lambda x: function("normal_cdf", x)  # noqa: E731
MIXTURES = {
    "gelu, shifted": (Z * phi(Z - 0.3), lambda x: x * special.ndtr(x - 0.3), ()),
    "relu and gelu": (max_(Z - 1.0, 0.0) + Z * phi(Z), None, (1.0,)),
    "a cut bell": (max_(Z - 1.0, 0.0) * function("exp", -(Z * Z)), None, (1.0,)),
    "sine times exponential": (function("sin", Z) * function("exp", 0.5 * Z), None, ()),
    "erf times a parabola": (function("erf", Z) * Z * Z, None, ()),
    "a parabola up to 1": (function("select", Z - 1.0, 1.0 + 0.0 * Z, Z * Z), None, (1.0,)),
    "a jump": (function("select", Z - 0.4, 1.0 + Z, Z * Z), None, (0.4,)),
    "the absolute value of a parabola": (function("abs", Z * Z - 1.0), None, (-1.0, 1.0)),
    "growing on one side": (function("select", Z, function("expm1", Z), 0.5 * Z), None, (0.0,)),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures_are_the_expectations(name):
    body, f, kinks = MIXTURES[name]
    found = closed_form(Expression("f", body))
    assert isinstance(found, Dual), found
    if f is None:

        def f(x):
            return np.broadcast_to(evaluate([body], {"z": x})[0], np.shape(x))

    def slope(x):
        # Complex steps do not pass through kinks' comparisons: differences of fifth order do,
        # between kinks, but cost digits; so the derivative's dual is held to less below.
        h = 1e-3
        return (
            sum(
                w * (f(x + k * h) - f(x - k * h))
                for k, w in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
            )
            / h
        )

    for p, q in ((0.3, 1.1), (1.0, 1.0), (2.0, 0.01)):
        norm = np.sqrt(expectation(f, kinks, 0.0, p, p) * expectation(f, kinks, 0.0, q, q))
        for eta in (0.0, 0.3, 1.0, 1.7, 2.0):
            at = {"eta": eta, "p": p, "q": q, "c": (1 - eta) * np.sqrt(p * q)}
            at = {k: np.float64(v) for k, v in at.items()}
            near = found.forms.near
            (value,) = evaluate([found.forms.dual if near is None else near], at)
            exact = expectation(f, kinks, eta, p, q)
            assert abs(value - exact) <= 1e-13 * norm + 1e-15, (p, q, eta)
            if not kinks:
                (value,) = evaluate([found.forms.dual_dot], at)
                assert value == pytest.approx(expectation(slope, kinks, eta, p, q), abs=1e-9)


TABLE = {
    "gelu": (Z * phi(Z), ()),
    "erf": (function("erf", Z), (1.0, 1.0, 0.0)),
    "relu": (max_(Z, 0.0), ()),
    "abs": (function("abs", Z), ()),
    "leaky_relu": (max_(Z, 0.0) + 0.01 * min_(Z, 0.0), (0.01,)),
    "step": (function("select", Z, 1.0, 0.0), ()),
    "sin": (function("sin", Z), (1.0, 1.0, 0.0)),
    "cos": (function("cos", Z), (1.0, 1.0, 0.0)),
    "exp": (function("exp", Z), (1.0, 1.0)),
    "gaussian": (function("exp", -(Z * Z)), (1.0, -1.0)),
    "gabor": (function("exp", -(Z * Z)) * function("sin", Z), ()),
    "sigmoid_like": ((function("erf", Z / 2.4020563531719796) + 1.0) / 2.0, ()),
    "rectified_monomial": (max_(Z, 0.0) ** 3, (3,)),
    "monomial": (Z**4, (4,)),
    "polynomial": (0.5 + Z - 0.3 * Z**2, ((0.5, 1.0, -0.3),)),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_engine_agrees_with_the_table(name):
    body, arguments = TABLE[name]
    found = closed_form(Expression("f", body))
    assert isinstance(found, Dual), found
    bound = activations.load(name).bind(arguments)
    flat = [x for a in arguments for x in (a if isinstance(a, tuple) else (a,))]
    numbers = dict(zip(bound.symbols, flat, strict=False)) if bound.symbols else {}
    forms = bound.forms()
    for p, q in ((0.3, 1.1), (2.0, 2.0), (1e-3, 0.4)):
        for rho in (0.0, 0.5, -0.7, 0.999):
            at = {"c": rho * np.sqrt(p * q), "p": p, "q": q}
            at = {k: np.float64(v) for k, v in {**at, **numbers}.items()}
            for which in ("dual", "dual_dot"):
                (value,) = evaluate([getattr(found.forms, which)], at)
                (known,) = evaluate([getattr(forms, which)], at)
                # Terms of order 1 cancel in the engine's sums where the table's forms do not.
                assert value == pytest.approx(known, rel=1e-13, abs=1e-15), (which, p, q, rho)


def test_symbolic_parameters_give_the_same_forms():
    slope = symbol("f_a")
    body = max_(slope * Z - 0.5, 0.0) + slope * Z * phi(slope * Z)
    found = closed_form(Expression("f", body, ("f_a",), {"f_a": 0.7}))
    assert isinstance(found, Dual)
    fixed = closed_form(Expression("f", substitute(body, {"f_a": function("abs", -0.7)})))
    assert isinstance(fixed, Dual)
    at = {"eta": np.float64(0.3), "p": np.float64(0.8), "q": np.float64(1.4)}
    one = evaluate([found.forms.near, found.forms.near_dot], {**at, "f_a": np.float64(0.7)})
    two = evaluate([fixed.forms.near, fixed.forms.near_dot], at)
    assert one == pytest.approx(two, rel=1e-14)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 3e-6)])
def test_kinks_away_from_0_on_positions(dtype, tolerance):
    """Two equal images have the kernel that one has with itself. Float32: some dozens of roundings
    of 6e-8, in sums of many entries.
    """
    source = """network n {
        input image[4, 3, 2]
        conv(3, padding = same, b_std = 0.2) -> relu6 -> conv(2) -> hard_tanh -> global_avg_pool
        dense
    }"""
    x = np.random.default_rng(0).standard_normal((4, 4, 3, 2)).astype(dtype)
    x[1] = x[0]
    module, y = diagonals(front_end(Source("<text>", source), Options()).module), x.astype(float)
    expected = interpret(module, y, y)
    kernel = ntkc.compile(source=source, dtype=dtype)
    for get in ("nngp", "ntk"):
        own = expected[f"{get}_diagonal"]
        np.fill_diagonal(expected[get], own)  # the interpreter knows 1 - rho to a rounding alone
        expected[get][0, 1] = expected[get][1, 0] = own[0]
        np.testing.assert_allclose(kernel(x, get=get), expected[get], rtol=tolerance)
