"""Bounds in the complex plane hold, and integrals on panels are what they are proved to be."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkc.ir.node import Node, symbol, topological
from ntkc.ir.rates import derivative
from ntkc.symbolic.discs import RULES as DISCS
from ntkc.symbolic.discs import around, discs, inside
from ntkc.symbolic.intervals import RULES, enclosed
from ntkc.symbolic.proof import NotResolvedError, norm, resolved
from ntkc.symbolic.series import Formula, functions
from tests.symbolic.test_intervals import FORMULAS

Z = symbol("z")
RHO = 3.0

COMPLEX = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "sqrt": mpmath.sqrt,
    "inv_sqrt": lambda x: 1 / mpmath.sqrt(x),
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "erf": mpmath.erf,
    "normal_cdf": lambda x: (1 + mpmath.erf(x / mpmath.sqrt(2))) / 2,
}


def continued(root: Node, middle: float, place: complex) -> dict[Node, object]:
    """Every part of a formula at a complex place, by the sides that it takes on the real line."""
    real, found = {}, {}
    for node in topological((root,)):
        for values, z in ((real, mpmath.mpf(middle)), (found, mpmath.mpc(place))):
            given = [values.get(a) for a in node.args]
            sides = [real.get(a) for a in node.args]
            if node.op == "const":
                values[node] = mpmath.mpf(node.attr("value"))
            elif node.op == "symbol":
                values[node] = z
            elif None in given or None in sides:
                values[node] = None
            elif node.op in ("abs", "min", "max", "select", "power"):
                values[node] = _by_side(node, given, [mpmath.re(s) for s in sides])
            elif node.op in ("sqrt", "log") and mpmath.re(sides[0]) <= 0:
                values[node] = None
            elif node.op == "inv_sqrt" and mpmath.re(sides[0]) <= 0:
                values[node] = mpmath.mpf(0)
            else:
                try:
                    values[node] = COMPLEX[node.op](*given)
                except (ZeroDivisionError, OverflowError, ValueError):
                    values[node] = None
    return found


def _by_side(node: Node, given: list, sides: list) -> object:
    if node.op == "power":
        return given[0] ** node.attr("exponent")
    if node.op == "abs":
        return given[0] if sides[0] > 0 else -given[0]
    if node.op == "select":
        return given[1] if sides[0] > 0 else given[2]
    return given[0] if (sides[0] < sides[1]) == (node.op == "min") else given[1]


@settings(max_examples=100, deadline=None)
@given(FORMULAS, st.floats(-10, 10), st.sampled_from([1e-6, 1e-2, 0.5, 3.0]))
def test_values_lie_in_the_discs(formula, start, width):
    low, high = np.array([start]), np.array([start + width])
    within = inside(low, high, 1e-13)
    bounds = enclosed((formula,), within.low, within.high)
    found = discs((formula,), around(low, high, (RHO + 1 / RHO) / 2), bounds)
    middle, radius = start + width / 2, width / 2 * (RHO + 1 / RHO) / 2
    with mpmath.workdps(30):
        for angle in np.linspace(0.0, np.pi, 5):
            place = complex(middle + radius * np.cos(angle), radius * np.sin(angle))
            for node, value in continued(formula, middle, place).items():
                disc = found[node]
                if np.isfinite(disc.radius[0]) and value is not None:
                    gap = abs(value - mpmath.mpf(disc.centre[0]))
                    assert gap <= disc.radius[0] * (1 + 1e-9) + 1e-300, (node, place)


def test_discs_and_intervals_know_the_same_operations():
    assert set(DISCS) == set(RULES)


def known(text: str) -> tuple[Node, Node]:
    """A formula of a program, and its slope, as nodes."""
    from ntkc.activations._derived import DefinedSeries
    from ntkc.diagnostics import Source
    from ntkc.driver import Options, front_end

    source = f"activation f(z) = {text}\nnetwork n {{ input vector[3]; dense -> f -> dense }}\n"
    network = front_end(Source("f.ntk", source), Options()).network
    (bound,) = (n.layer.bound for n in network.nodes() if hasattr(n.layer, "bound"))
    body = bound.activation.body
    assert isinstance(bound.activation, DefinedSeries)
    return body, derivative(body, Z)


def integral(text: str, variances: np.ndarray, sizes: np.ndarray, which: int = 0) -> list[float]:
    roots = known(text)
    function = functions(Formula("f", *roots))[which]
    panels = resolved(roots[which], variances, 1e-12 * sizes)
    return [norm(panels, function, float(p)) for p in variances]


@pytest.mark.parametrize("variance", [1e-4, 0.3, 1.0, 100.0])
@pytest.mark.parametrize("which", [0, 1])
def test_integrals_of_a_smooth_formula(variance, which):
    """Against mpmath's quadrature of tanh and its derivative."""
    function = (mpmath.tanh, lambda x: mpmath.sech(x) ** 2)[which]
    with mpmath.workdps(25):
        root = mpmath.sqrt(variance)
        cuts = sorted({k / root for k in (-8, -4, -2, -1, 0, 1, 2, 4, 8) if abs(k) < 13 * root})
        expected = mpmath.quad(
            lambda x: function(root * x) ** 2 * mpmath.npdf(x), [-13, *cuts, 13], maxdegree=9
        )
    (found,) = integral("tanh(z) + 0 * z", np.array([variance]), np.array([variance]), which)
    assert found == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-7, 1e-10])
def test_what_a_narrow_box_adds_is_found(width):
    """E[(tanh + box)^2] - E[tanh^2] is the box's own: [2 tanh(0.3) + 1] times its probability."""
    variances = np.array([1.0, 4.0])
    box = f"tanh(z) + (if z > 0.3 then (if z < {0.3 + width!r} then 1 else 0) else 0)"
    found, plain = (integral(f, variances, variances) for f in (box, "tanh(z) + 0 * z"))
    for variance, one, other in zip(variances, found, plain, strict=True):
        mass = width * math.exp(-0.045 / variance) / math.sqrt(2 * math.pi * variance)
        expected = (2 * math.tanh(0.3) + 1) * mass
        # Both integrals are known to 1e-12, and the box's height to its own width.
        assert one - other == pytest.approx(expected, rel=2 * width, abs=3e-12)


@pytest.mark.parametrize("rate", [1e4, 1e8, 1e14])
def test_what_a_narrow_bell_adds_is_found(rate):
    """The slope of exp(-a (z - 0.3)^2) has the squared norm sqrt(pi a / 2) times the density."""
    variances = np.array([1.0])
    text = f"tanh(z) + exp(-{rate!r} * (z - 0.3)^2)"
    expected = math.sqrt(math.pi * rate / 2) * math.exp(-0.045) / math.sqrt(2 * math.pi)
    sizes = np.array([expected])
    found, plain = (integral(f, variances, sizes, 1) for f in (text, "tanh(z) + 0 * z"))
    # Beside it: the product of both slopes, of the order of the bell's height, and its bend.
    assert found[0] - plain[0] == pytest.approx(expected, rel=20 / math.sqrt(rate))


def test_what_no_number_of_panels_resolves_is_refused():
    with pytest.raises(NotResolvedError):
        integral("tanh(z) + 0.1 * sin(1e7 * z)", np.array([1.0]), np.array([1.0]))
