"""Activations without closed form, held to their certificates by quadrature of the plane.

The oracles spell the activations again, in NumPy and in mpmath. In double precision: the
trapezoidal rule, exact to rounding for analytic functions where the step resolves their strip
(Trefethen & Weideman 2014), and for softsign Gauss-Legendre panels that shrink towards the
kink. In 40 digits: the same rule on the plane at moderate variances, and on the line at
correlations 1 and -1, where nothing but E[f(sqrt(p) z) f(+-sqrt(q) z)] is left.
"""

import functools

import mpmath
import numpy as np
import pytest
from scipy import special

import ntkc
from ntkc import activations
from ntkc.activations.base import Expanded
from ntkc.diagnostics import NtkError
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.node import symbol
from tests.backends.kernels import uncompiled

mp = mpmath.mp.clone()
mp.dps = 40


def _mish_slope(z):
    gate, s = np.tanh(np.logaddexp(0, z)), special.expit(z)
    return gate + z * (1 - gate**2) * s


def _logistic(z):
    return 1 / (1 + mp.exp(-z))


# (f, f') in NumPy, and f in mpmath.
ORACLES = {
    "arctan": (np.arctan, lambda z: 1 / (1 + z * z), mp.atan),
    "log_cosh": (
        lambda z: (
            abs(z)
            + np.log1p(np.expm1(-2 * abs(z)) / 2) * (abs(z) > 1)
            + (np.log1p(2 * np.sinh(np.minimum(abs(z), 1) / 2) ** 2) - abs(z)) * (abs(z) <= 1)
        ),
        np.tanh,
        lambda z: mp.log(mp.cosh(z)),
    ),
    "mish": (
        lambda z: z * np.tanh(np.logaddexp(0, z)),
        _mish_slope,
        lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
    ),
    "sigmoid": (special.expit, lambda z: special.expit(z) * special.expit(-z), _logistic),
    "silu": (
        lambda z: z * special.expit(z),
        lambda z: special.expit(z) * (1 + z * special.expit(-z)),
        lambda z: z * _logistic(z),
    ),
    "softplus": (
        lambda z: np.logaddexp(0, z),
        special.expit,
        lambda z: mp.log1p(mp.exp(z)),
    ),
    "softsign": (
        lambda z: z / (1 + abs(z)),
        lambda z: 1 / (1 + abs(z)) ** 2,
        lambda z: z / (1 + abs(z)),
    ),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2, mp.tanh),
}
NAMES = [n for n in activations.names() if isinstance(activations.load(n), Expanded)]
TOLERANCES = [1e-10, 1e-6]
VARIANCES = [(1e-6, 1e-6), (1e-6, 1.0), (1e-3, 100.0), (0.3, 1.1), (1.0, 1.0), (9.0, 40.0)]
RHOS = [0.0, 0.5, -0.5, 0.99, -0.999, 1 - 1e-12, -1 + 1e-12, 1.0, -1.0]
ROUNDING = 2e-13  # of the oracles in double precision, relative to the norms


def forms(name, tolerance=1e-10):
    return activations.load(name).bind().forms(tolerance)


def run(form, **at):
    return float(evaluate([form], at)[0])


# --- quadrature ------------------------------------------------------------------------


def _line(variance, kinked):
    """Nodes and weights for the standard normal on the line."""
    if not kinked:
        step = 0.5 / np.sqrt(1 + 12 * variance)
        x = np.arange(-9.2, 9.2 + step, step)
        return x, step * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    half, weights = _graded(9.3)
    x = np.concatenate([-half[::-1], half])
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return x, np.concatenate([weights[::-1], weights]) * density


@functools.cache
def _graded(length):
    """Gauss-Legendre panels on [0, length], of length 1/4 and halving towards 0."""
    points, weights = np.polynomial.legendre.leggauss(16)
    edges = np.concatenate([[0.0], 0.5 ** np.arange(48, 2, -1.0), np.arange(0.25, length, 0.25)])
    low, size = edges[:-1, None], np.diff(edges)[:, None]
    return (low + size * (points + 1) / 2).ravel(), (size * weights / 2).ravel()


def plane(f, p, q, rho, kinked):
    """E[f(u) f(v)]."""
    x, weights = _line(max(p, q), kinked)
    if abs(rho) == 1:
        return float(weights @ (f(np.sqrt(p) * x) * f(rho * np.sqrt(q) * x)))
    side = np.sqrt((1 - rho) * (1 + rho))
    if not kinked:
        v = np.sqrt(q) * (rho * x[:, None] + side * x[None, :])
        return float((weights * f(np.sqrt(p) * x)) @ (f(v) @ weights))
    # v = sqrt(q) y with y normal around rho x: panels on both sides of y = 0
    y, steps = _graded(10.3)
    mean = rho * x[:, None]
    inner = np.zeros(len(x))
    for sign in (1, -1):
        gap = (sign * y - mean) / side
        density = np.exp(-gap * gap / 2) / (side * np.sqrt(2 * np.pi))
        inner += (density * f(sign * np.sqrt(q) * y)) @ steps
    return float((weights * f(np.sqrt(p) * x)) @ inner)


# --- the certificate -------------------------------------------------------------------


def test_oracles_cover_every_series():
    assert sorted(ORACLES) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_forms_are_within_the_certificate(name, tolerance):
    f, slope, _ = ORACLES[name]
    kinked = name == "softsign"
    found = forms(name, tolerance)
    certificate = found.certificate
    assert certificate.error <= tolerance
    # Panels around a kink cannot follow a conditional density narrower than they are.
    rhos = [r for r in RHOS if not kinked or abs(r) == 1 or abs(r) <= 0.99]
    for p, q in VARIANCES:
        for g, form in ((f, found.dual), (slope, found.dual_dot)):
            scale = np.sqrt(plane(g, p, p, 1.0, kinked) * plane(g, q, q, 1.0, kinked))
            for rho in rhos:
                value = run(form, c=rho * np.sqrt(p * q), p=p, q=q)
                error = abs(value - plane(g, p, q, rho, kinked))
                assert error <= (certificate.error + ROUNDING) * scale, (p, q, rho)


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_variance_at_coincidence_in_40_digits(name):
    """The line alone is left, so the largest variances can be had in 40 digits."""
    exact = ORACLES[name][2]
    found = forms(name)
    for p, q in ((1e-6, 1e-6), (1.0, 100.0), (100.0, 100.0)):
        norms = []
        for s, t in ((p, p), (q, q)):
            norms.append(_line_in_40_digits(exact, s, t, 1))
        for rho in (1, -1):
            value = run(found.dual, c=rho * float(np.sqrt(p * q)), p=p, q=q)
            error = abs(value - _line_in_40_digits(exact, p, q, rho))
            assert error <= (found.certificate.error + 1e-14) * mp.sqrt(norms[0] * norms[1])


def _line_in_40_digits(f, p, q, rho):
    a, b = mp.sqrt(p), rho * mp.sqrt(q)
    step = mp.mpf(0.1) / mp.sqrt(1 + max(p, q))
    # x = sinh t resolves a kink at 0 as well: each half is analytic up to its end.
    total = mp.zero
    if f is ORACLES["softsign"][2]:
        t = mp.mpf(-6)
        while t < 3:
            x, h = mp.exp(t - mp.exp(-t)), mp.mpf(1) / 24
            rate = x * (1 + mp.exp(-t))
            density = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
            total += h * rate * density * (f(a * x) * f(b * x) + f(-a * x) * f(-b * x))
            t += h
        return total
    count = int(14 / step)
    for k in range(-count, count + 1):
        x = k * step
        total += mp.exp(-x * x / 2) * f(a * x) * f(b * x)
    return total * step / mp.sqrt(2 * mp.pi)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "softsign"])
def test_the_plane_in_40_digits(name):
    exact = ORACLES[name][2]
    found = forms(name)
    p, q, rho = mp.mpf("0.5"), mp.mpf("0.25"), mp.mpf("0.75")
    step = mp.mpf(1) / 7  # resolves a strip of half-width pi/2/sqrt(p): 1e-40
    nodes = [k * step for k in range(-95, 96)]
    weights = [mp.exp(-x * x / 2) * step / mp.sqrt(2 * mp.pi) for x in nodes]
    side = mp.sqrt(1 - rho * rho)
    total = mp.zero
    for x, w in zip(nodes, weights, strict=True):
        inner = (
            v * exact(mp.sqrt(q) * (rho * x + side * y))
            for y, v in zip(nodes, weights, strict=True)
        )
        total += w * exact(mp.sqrt(p) * x) * mp.fsum(inner)
    value = run(found.dual, c=float(rho * mp.sqrt(p * q)), p=0.5, q=0.25)
    scale = run(found.diagonal, p=0.5) * run(found.diagonal, p=0.25)
    assert abs(value - total) <= (found.certificate.error + 1e-15) * np.sqrt(scale)


# --- what every form must hold ----------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_files_state_the_function_and_its_derivative(name):
    z = symbol("z")
    activation = activations.load(name)
    x = np.concatenate([np.linspace(-30, 30, 41), [1e-9, -1e-9, 700.0, -700.0]])
    f, slope = evaluate([activation.function(z), activation.slope(z)], {"z": x})
    with np.errstate(over="ignore"):
        assert f == pytest.approx(ORACLES[name][0](x), rel=1e-14, abs=1e-17)
        assert slope == pytest.approx(ORACLES[name][1](x), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_zero_variance_is_an_ordinary_input(name):
    found = forms(name)
    f, slope, _ = ORACLES[name]
    zero = np.zeros(1)
    assert run(found.dual, c=0.0, p=0.0, q=0.0) == pytest.approx(f(zero)[0] ** 2, abs=1e-12)
    assert run(found.dual_dot, c=0.0, p=0.0, q=0.0) == pytest.approx(slope(zero)[0] ** 2, abs=1e-11)
    expected = f(zero)[0] * plane(f, 1.0, 1.0, 0.0, name == "softsign") ** 0.5
    assert run(found.dual, c=0.0, p=0.0, q=1.0) == pytest.approx(expected, abs=1e-10)
    for form in (found.diagonal, found.diagonal_dot):
        assert np.isfinite(run(form, p=0.0))


@pytest.mark.parametrize("name", NAMES)
def test_diagonals_are_the_limits_at_coincidence(name):
    found = forms(name)
    for p in (1e-6, 0.3, 1.0, 100.0):
        for pair, single in ((found.dual, found.diagonal), (found.dual_dot, found.diagonal_dot)):
            assert run(pair, c=p, p=p, q=p) == pytest.approx(run(single, p=p), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_complements_keep_their_digits_near_coincidence(name):
    found = forms(name)
    exact = mpmath_arithmetic(50)
    for p, q in ((0.3, 0.3), (1.0, 1.0 + 1e-9), (0.2, 4.0)):
        norm = np.sqrt(run(found.diagonal, p=p) * run(found.diagonal, p=q))
        for eta in (1e-18, 1e-12, 1e-6, 0.1, 1.0, 1.9):
            value = run(found.complement, eta=eta, p=p, q=q)
            (expected,) = evaluate([found.complement], {"eta": eta, "p": p, "q": q}, exact)
            # 40 roundings of the sum, and of the features one each where they differ: in the
            # square of their distance that is a rounding of the distance itself.
            apart = float(expected) ** 0.5 if p != q else 0.0
            assert abs(value - expected) <= 9e-15 * expected + 1e-15 * apart + 1e-31
            dual = run(found.dual, c=(1 - eta) * np.sqrt(p * q), p=p, q=q)
            assert value == pytest.approx(1 - dual / norm, abs=4e-15)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_are_positive_semidefinite(name):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((20, 4)) * rng.uniform(0.01, 5, (20, 1))
    x[1], x[2] = x[0], -x[0]
    k = x @ x.T / 4
    p = np.diag(k)
    found = forms(name)
    at = {"c": k, "p": p[:, None], "q": p[None, :]}
    for gram in evaluate([found.dual, found.dual_dot], at):
        values = np.linalg.eigvalsh((gram + gram.T) / 2)
        assert values[0] >= -1e-13 * values[-1]


# --- what cannot be certified -----------------------------------------------------------


def test_more_than_can_be_certified_is_refused():
    with pytest.raises(NtkError, match=r"`tanh` has no closed form.*1e-12 at best, not to 1e-15"):
        forms("tanh", 1e-15)


def test_a_looser_tolerance_takes_fewer_terms():
    assert forms("tanh", 1e-6).certificate.terms < forms("tanh", 1e-10).certificate.terms


def test_what_is_certified_holds_in_a_program():
    """A program's own activations, without closed form and with it, in one network."""
    source = """
    activation bump(z, a = 2) = z * tanh(a * z)
    activation root(z) = sqrt(1 + z^2)
    network net { input vector[3]; dense(b_std = 0.3) -> bump(1.5) -> dense -> root -> dense }
    """
    x = np.array([[0.3, -1.0, 0.5], [0.0, 0.0, 0.0], [0.29, -1.0, 0.5]])
    k = x @ x.T / 3 + 0.09
    for f in (lambda z: z * np.tanh(1.5 * z), lambda z: np.sqrt(1 + z * z)):
        p = np.diag(k)
        rho = np.clip(k / np.sqrt(np.outer(p, p)), -1, 1)
        k = np.array([[plane(f, p[i], p[j], rho[i, j], False) for j in range(3)] for i in range(3)])
    found = ntkc.compile(source=source)(x, get="nngp")
    assert found == pytest.approx(k, rel=3e-10)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("max(z, tanh(z))", "converges too slowly"),
        ("exp(z^2) * tanh(z)", "it or its derivative is not finite"),
    ],
)
def test_a_series_that_cannot_be_certified_is_an_error(formula, words):
    source = f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}"
    with pytest.raises(NtkError, match=words if "exp" not in formula else "E0503|" + words):
        ntkc.compile(source=source)


def test_variances_beyond_the_certificate_are_an_error_of_the_call():
    source = "network n { input vector[3]; dense(w_std = 2) -> tanh -> dense }"
    kernel = ntkc.compile(source=source)
    x = np.ones((4, 3))
    assert np.isfinite(kernel(x)).all()
    x[2] = 6.0
    words = (
        r"x1: row 2: the variance before `tanh` must be from 0 to 100, not 144; scale the inputs"
    )
    with pytest.raises(ValueError, match=words):
        kernel(x)


def test_weights_that_only_small_rows_suit():
    """No row is checked but those given."""
    kernel = ntkc.compile(
        source="network n { input vector[3]; dense(w_std = 20) -> tanh -> dense }"
    )
    assert np.isfinite(kernel(np.full((2, 3), 1e-3))).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_variance_of_100_is_certified_however_it_is_rounded(dtype):
    kernel = ntkc.compile(source="network n { input vector[3]; dense -> tanh }", dtype=dtype)
    x = np.full((1, 3), 10.0, dtype) * (1 + 4 * np.finfo(dtype).eps)
    assert np.isfinite(kernel(x)).all()


@pytest.mark.parametrize("formula", ["exp(-z^2) - relu(exp(-z^2))", "tanh(z) - tanh(z)"])
def test_a_formula_that_is_0_everywhere_has_the_kernel_0(formula: str) -> None:
    kernel = uncompiled(
        f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}"
    )
    found = kernel(np.eye(3), get=("nngp", "ntk"))
    assert not found.nngp.any()
    assert not found.ntk.any()
