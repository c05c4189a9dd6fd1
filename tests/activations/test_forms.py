"""Every activation's forms against the formulas of the literature in 50 digits."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntkc.activations.base import Homogeneous
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.node import const, param, substitute, topological

EPS = 2.0**-52
VARIANCES = [(1e-6, 1e-6), (1e-6, 2.3e-5), (0.01, 0.4), (1.0, 1.0), (0.3, 1.1), (3.7, 100.0)]
RHOS = [0.0, 0.1, 0.5, -0.5, 0.999999, -0.999999, 1 - 1e-12, -1 + 1e-12, 1.0, -1.0]
ETAS = [0.0, 1e-17, 5e-17, 1e-12, 1e-8, 1e-4, 0.01, 0.3, 1.0, 1.5, 1.99, 2.0]
ANGLES = [1e-8, 1e-7, 1e-5, 1e-3, 0.1, 1.0, 2.0, 3.1]


def run(case, form, dtype=np.float64, **values):
    bindings = {name: dtype(v) for name, v in {**values, **case.numbers}.items()}
    return evaluate([form], bindings)[0]


def variances(case, pairs=VARIANCES):
    low, high = case.bound.activation.variances
    return [(p, q) for p, q in pairs if low <= min(p, q) and max(p, q) <= high]


def size(case, which, p, q, mp):
    """sqrt(diagonal diagonal): errors are measured against it."""
    return mp.sqrt(abs(case.exact(which, p, p, p) * case.exact(which, q, q, q)))


def conditioning(case, which, rho):
    """What rounding c, p and q alone does to a form with a branch point at rho = +-1.

    rho is then off by 4 roundings and theta by 4 eps/sqrt(2 mu), at most sqrt(8 eps). A
    degree-0 kernel passes that on; the others' first derivative in rho is bounded.
    """
    activation = case.bound.activation
    if not isinstance(activation, Homogeneous):
        return 0.0
    degree = case.bound.forms().normalised.degree - (which == "dual_dot")
    if degree > 0 or case.name in ("monomial", "exp_normalized"):
        return 0.0
    mu = max(1 - abs(rho), EPS)
    return min((8 * EPS) ** 0.5, 4 * EPS / (2 * mu) ** 0.5)


@pytest.mark.parametrize("which", ["dual", "dual_dot"])
def test_forms_are_the_formulas(case, which, exact_context):
    form = getattr(case.bound.forms(), which)
    for p, q in variances(case):
        scale = size(case, which, p, q, exact_context)
        for rho in RHOS:
            c = rho * float(np.sqrt(p * q))
            error = abs(run(case, form, c=c, p=p, q=q) - case.exact(which, c, p, q))
            # 1e-13: at variance 100, pq - c^2 loses 2 digits beside p + q.
            assert error <= (1e-13 + conditioning(case, which, rho)) * scale, (p, q, rho)


@pytest.mark.parametrize("which", ["dual", "dual_dot"])
def test_diagonals_are_the_limits(case, which):
    diagonal = getattr(case.bound.forms(), "diagonal" + which.removeprefix("dual"))
    for p, _ in variances(case):
        exact = case.exact(which, p, p, p)
        # A few roundings; twenty where a Hermite series cancels.
        assert abs(run(case, diagonal, p=p) - exact) <= 20 * EPS * abs(exact), p


@pytest.mark.parametrize("which", ["dual", "dual_dot"])
def test_coincident_arguments_give_the_diagonal(case, which):
    forms = case.bound.forms()
    diagonal = getattr(forms, "diagonal" + which.removeprefix("dual"))
    for p, _ in variances(case):
        from_pair = run(case, getattr(forms, which), c=p, p=p, q=p)
        # rho = p/sqrt(p^2) is exactly 1: kinks do not show. The smooth forms differ by the
        # conditioning of p p - c c, exactly 0 here, and a few roundings.
        assert abs(from_pair - run(case, diagonal, p=p)) <= 1e-14 * abs(from_pair) + 1e-300


def test_forms_are_symmetric(case):
    forms = case.bound.forms()
    for form in (forms.dual, forms.dual_dot):
        for p, q in variances(case):
            for rho in (0.3, -0.9, 1.0):
                c = rho * float(np.sqrt(p * q))
                one, two = run(case, form, c=c, p=p, q=q), run(case, form, c=c, p=q, q=p)
                # Sums in another order: a few roundings of terms that may cancel in two digits.
                assert one == pytest.approx(two, rel=1e-13, abs=1e-14 * abs(one) + 1e-300)


def test_zero_variance_is_an_ordinary_input(case, exact_context):
    forms = case.bound.forms()
    for p, q in [(0.0, 0.0), (0.0, 1.3), (0.7, 0.0)]:
        for which in ("dual", "dual_dot"):
            value = run(case, getattr(forms, which), c=0.0, p=p, q=q)
            expected = case.exact(which, 0, p, q)
            # abs and sign: 1 - (2/pi) arccos(0) is a rounding away from 0.
            assert value == pytest.approx(float(expected), rel=1e-14, abs=2 * EPS)
        for form in (forms.diagonal, forms.diagonal_dot):
            assert np.isfinite(run(case, form, p=p))
        for eta in (0.0, 1.0, 2.0):
            assert np.isfinite(run(case, forms.complement, eta=eta, p=p, q=q))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_beyond_the_boundary_is_no_nan(case, dtype):
    forms = case.bound.forms()
    for p, q in variances(case):
        root = np.sqrt(dtype(p) * dtype(q))
        for c in (root, -root, root * (1 + 2 * np.finfo(dtype).eps)):
            for form in (forms.dual, forms.dual_dot):
                assert np.isfinite(run(case, form, dtype, c=c, p=p, q=q))
    for form in (forms.dual, forms.dual_dot):
        tiny = -(np.finfo(dtype).eps ** 2)
        assert np.isfinite(run(case, form, dtype, c=tiny, p=0.0, q=1.0))


@pytest.mark.parametrize("which", ["dual", "dual_dot"])
def test_float32_is_as_good_as_float32_can_be(case, which, exact_context):
    form = getattr(case.bound.forms(), which)
    for p, q in variances(case, [(0.01, 0.4), (1.0, 1.0), (0.3, 1.1)]):
        scale = float(size(case, which, p, q, exact_context))
        for rho in (0.0, 0.5, -0.5, 0.9):
            c = rho * float(np.sqrt(p * q))
            value = run(case, form, np.float32, c=c, p=p, q=q)
            assert value.dtype == np.float32
            exact = float(case.exact(which, c, p, q))
            # 20 roundings of 6e-8, some from rounding c, p, q and the parameters.
            assert abs(value - exact) <= 2e-6 * scale + 1e-12


def test_kernels_are_positive_semidefinite(case):
    forms = case.bound.forms()
    rng = np.random.default_rng(7)
    x = rng.standard_normal((14, 3)) * rng.uniform(0.1, 1.5, (14, 1))
    x[1], x[2], x[3] = x[0], -x[0], 2 * x[0]
    k = x @ x.T / 3
    p = np.diag(k).copy()
    bindings = {name: np.float64(v) for name, v in case.numbers.items()}
    bindings |= {"c": k, "p": p[:, None], "q": p[None, :]}
    for gram in evaluate([forms.dual, forms.dual_dot], bindings):
        gram = np.broadcast_to(gram, k.shape)
        values = np.linalg.eigvalsh((gram + gram.T) / 2)
        # Rounding of entries near coincidence: sqrt(8 eps)/2pi for the degree-0 kernels.
        assert values[0] >= -3e-8 * max(values[-1], 1e-300)


def test_parameters_may_be_symbolic_or_folded(case):
    """Substituting constants, or parameters bound later, is the same computation."""
    forms = case.bound.forms()
    numbers = case.numbers
    folded = {name: const(float(value)) for name, value in numbers.items()}
    named = {name: param("outer_" + name) for name in numbers}
    at = {"c": 0.2, "p": 0.5, "q": 0.8}
    outer = {"outer_" + name: np.float64(v) for name, v in numbers.items()}
    for form in (forms.dual, forms.dual_dot):
        direct = run(case, form, **at)
        assert evaluate([substitute(form, folded)], at)[0] == direct
        assert evaluate([substitute(form, named)], {**at, **outer})[0] == direct


def test_forms_have_no_symbols_but_their_own(case):
    forms = case.bound.forms()
    allowed = {
        "dual": {"c", "p", "q"},
        "dual_dot": {"c", "p", "q"},
        "diagonal": {"p"},
        "diagonal_dot": {"p"},
        "complement": {"eta", "p", "q"},
    }
    for which, own in allowed.items():
        nodes = topological([getattr(forms, which)])
        names = {n.attr("name") for n in nodes if n.op == "symbol"}
        assert names <= own | set(forms.parameters)


# --- the normalised form ---------------------------------------------------------------


def test_normalised_forms_are_accurate_at_every_angle(case, exact_context):
    """Over eta nothing cancels, and the branch point at rho = 1 is exact."""
    normalised = case.bound.forms().normalised
    if normalised is None:
        assert not isinstance(case.bound.activation, Homogeneous)
        return
    mp = exact_context
    tops = [case.exact(which, 1, 1, 1) for which in ("dual", "dual_dot")]
    for eta in ETAS + [1 - np.cos(angle) for angle in ANGLES]:
        rho = 1 - mp.mpf(eta)
        for form, which, top in zip(
            (normalised.kappa, normalised.kappa_dot), ("dual", "dual_dot"), tops, strict=True
        ):
            value = run(case, form, eta=eta)
            # 8 roundings of the largest value; eta itself near 2 is known to eps only, which
            # a degree-0 kernel sees as sqrt(2 eps) at worst.
            slack = 4e-8 if 2 - eta < 1e-15 and eta < 2 else 0
            assert abs(value - case.exact(which, rho, 1, 1)) <= (8 * EPS + slack) * abs(top) + 0.0


# --- the complement --------------------------------------------------------------------


def exact_complement(case, eta, p, q, mp):
    eta, p, q = mp.mpf(eta), mp.mpf(p), mp.mpf(q)
    norm = mp.sqrt(case.exact("dual", p, p, p) * case.exact("dual", q, q, q))
    if norm == 0:
        return mp.one
    return max(1 - case.exact("dual", mp.sqrt(p * q) * (1 - eta), p, q) / norm, mp.zero)


def check_complement(case, eta, p, q, mp):
    """The next angle sqrt(2 complement) to 20 roundings, plus two unavoidable terms:

    - eta is known to a rounding, and where the kernel turns back to 1 (even functions near
      eta = 2) that is felt;
    - with p != q the two differences are of first order in p - q and their sum of second, so
      rounding leaves eps times their imbalance in the complement.
    """
    value = run(case, case.bound.forms().complement, eta=eta, p=p, q=q)
    exact = exact_complement(case, eta, p, q, mp)
    f11, f22 = case.exact("dual", p, p, p), case.exact("dual", q, q, q)
    norm = mp.sqrt(f11 * f22)
    if norm == 0:
        assert np.isfinite(value)
        return
    homogeneous = isinstance(case.bound.activation, Homogeneous)
    imbalance = 0.0 if homogeneous else abs(f11 - f22) / norm + abs(p - q) / (p + q)
    neighbours = (eta * (1 - EPS), min(eta * (1 + EPS), 2.0))
    moved = max(abs(exact_complement(case, e, p, q, mp) - exact) for e in neighbours)
    slack = 8 * EPS * imbalance + 2 * moved
    angle, expected = mp.sqrt(2 * mp.mpf(float(value))), mp.sqrt(2 * exact)
    reached = min(mp.sqrt(2 * slack), slack / expected if expected else mp.inf)
    assert abs(angle - expected) <= 20 * EPS + reached, (eta, p, q)


def test_complements_keep_the_angle(case, exact_context):
    for p, q in variances(case):
        for eta in ETAS + [1 - float(np.cos(angle)) for angle in ANGLES]:
            check_complement(case, eta, p, q, exact_context)


def test_complements_of_near_duplicates_keep_the_angle(case, exact_context):
    """Neighbours differ in norm as much as in angle."""
    for p in (0.01, 1.0, 7.0):
        for step in (0.0, 1e-12, 1e-8, 1e-4):
            for angle in (0.0, 1e-8, 1e-6, 1e-3):
                check_complement(case, angle**2 / 2, p, p * (1 + step), exact_context)


def test_complements_never_are_negative(case):
    rng = np.random.default_rng(3)
    p = rng.uniform(0.01, 9, 400)
    q = np.where(rng.random(400) < 0.5, p, p * (1 + 1e-9 * rng.standard_normal(400)))
    eta = 10.0 ** rng.uniform(-20, 0, 400)
    values = run(case, case.bound.forms().complement, np.array, eta=eta, p=p, q=q)
    assert np.all(values >= 0)


# --- random points ---------------------------------------------------------------------


@given(st.floats(-4, 1), st.floats(-4, 1), st.floats(-1, 1))
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_points(case, exact_context, log_p, log_q, rho):
    p, q = 10.0**log_p, 10.0**log_q
    c = rho * float(np.sqrt(p * q))
    for which in ("dual", "dual_dot"):
        scale = size(case, which, p, q, exact_context)
        value = run(case, getattr(case.bound.forms(), which), c=c, p=p, q=q)
        error = abs(value - case.exact(which, c, p, q))
        assert error <= (1e-13 + conditioning(case, which, rho)) * scale
    check_complement(case, 1 - rho, p, q, exact_context)
