"""elu and its kin against quadrature of the activation between its kinks, which knows no series."""

import numpy as np
import pytest

import ntkc
from ntkc import activations
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.node import function, symbol
from ntkc.symbolic.routes import Expression, NoClosedForm, closed_form
from tests.activations.test_derived import VARIANCES, expectation

CASES = [("elu", 1.0), ("elu", 1.7), ("elu", 0.3), ("selu", None), ("celu", 1.0), ("celu", 0.5)]
ETAS = [0.0, 1e-12, 1e-6, 0.05, 0.5, 1.0, 1.5, 2 - 1e-6, 2 - 1e-12, 2.0]
KINK = (0.0,)


def functions(name, alpha):
    """f and f', written again."""
    scale = 1.0
    if name == "selu":
        scale, alpha = 1.0507009873554805, 1.6732632423543772
    rate = 1 / alpha if name == "celu" else 1.0
    return (
        lambda x: scale * np.where(x > 0, x, alpha * np.expm1(rate * np.minimum(x, 0))),
        lambda x: scale * np.where(x > 0, 1.0, alpha * rate * np.exp(rate * np.minimum(x, 0))),
    )


def check(name, alpha, pairs, etas):
    bound = activations.load(name).bind([] if alpha is None else [alpha])
    forms = bound.forms()
    assert forms.certificate.error <= 1e-10
    # The certificate, and a rounding of quadrature and sums.
    tolerance = forms.certificate.error + 2e-13
    assert (forms.near is None) == (name == "celu" or alpha == 1.0)
    f, slope = functions(name, alpha)
    for near, form, g in (
        (forms.near, forms.dual, f),
        (forms.near_dot, forms.dual_dot, slope),
    ):
        for p, q in pairs:
            tops = [expectation(g, KINK, 0.0, x, x) for x in (p, q)]
            for eta in etas:
                exact = expectation(g, KINK, eta, p, q)
                at = {"eta": eta, "p": p, "q": q, "c": (1 - eta) * np.sqrt(p * q)}
                (value,) = evaluate(
                    [form if near is None else near], {k: np.float64(v) for k, v in at.items()}
                )
                assert abs(value - exact) <= tolerance * np.sqrt(tops[0] * tops[1]), (p, q, eta)


@pytest.mark.parametrize(("name", "alpha"), CASES)
def test_forms_are_within_the_certificate(name, alpha):
    check(name, alpha, VARIANCES[::2], ETAS[::3])
    check(name, alpha, VARIANCES[1::2], (1e-12, 0.3, 2.0))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "alpha"), [*CASES, ("elu", 10.0), ("elu", -1.5), ("celu", 0.25)])
def test_forms_are_within_the_certificate_on_the_whole_grid(name, alpha):
    check(name, alpha, VARIANCES, ETAS)


@pytest.mark.parametrize("alpha", [1.0, 1.7])
def test_coincidence_zero_variance_and_complements(alpha):
    forms = activations.load("elu").bind([alpha]).forms()
    run = lambda form, **at: evaluate([form], {k: np.float64(v) for k, v in at.items()})[0]  # noqa: E731
    for p, q in ((1e-6, 1e-6), (0.3, 0.3), (0.2, 4.0), (100.0, 100.0)):
        for pair, single in ((forms.dual, forms.diagonal), (forms.dual_dot, forms.diagonal_dot)):
            assert run(pair, c=p, p=p, q=p) == pytest.approx(run(single, p=p), rel=1e-13)
        norm = np.sqrt(run(forms.diagonal, p=p) * run(forms.diagonal, p=q))
        for eta in (0.0, 1e-12, 1e-6, 0.3, 1.0, 2.0):
            value = run(forms.complement, eta=eta, p=p, q=q)
            dual = run(forms.dual, c=(1 - eta) * np.sqrt(p * q), p=p, q=q)
            assert value == pytest.approx(1 - dual / norm, abs=4e-15)
        if p == q:
            assert run(forms.complement, eta=0.0, p=p, q=q) == 0.0
            # 1 - rho is multiplied by E[f'^2] p / E[f^2] in the limit; the next term of a slope
            # that jumps is smaller by sqrt(eta).
            slope = run(forms.diagonal_dot, p=p) * p / run(forms.diagonal, p=p)
            small = run(forms.complement, eta=1e-18, p=p, q=q)
            assert small == pytest.approx(slope * 1e-18, rel=2e-9)
    for form in (forms.dual, forms.dual_dot, forms.complement):
        assert np.isfinite(run(form, c=0.0, p=0.0, q=1.3, eta=1.0))
    assert run(forms.dual, c=0.0, p=0.0, q=0.0) == 0.0


def test_a_parameter_is_as_good_as_a_number():
    free = activations.load("elu").bind([symbol("a")]).forms()
    fixed = activations.load("elu").bind([0.7]).forms()
    at = {k: np.float64(v) for k, v in {"eta": 0.3, "p": 0.8, "q": 1.4}.items()}
    one = evaluate([free.near, free.near_dot], {**at, "elu_alpha": np.float64(0.7)})
    assert one == pytest.approx(evaluate([fixed.near, fixed.near_dot], at), rel=1e-14)


@pytest.mark.parametrize(
    ("formula", "word"),
    [
        ("if z > 0 then z else 1.7 * (exp(z) - 1)", "elu(1.7)"),
        ("max(z, 0) + (if z > 0 then 0 else 0.5 * (exp(2 * z) - 1))", "celu(0.5)"),
    ],
)
def test_a_program_s_own_formula_is_the_named_one(formula, word):
    own = f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}"
    named = f"network n {{ input vector[3]; dense -> {word} -> dense }}"
    x = np.random.default_rng(1).standard_normal((4, 3))
    x[1] = x[0]
    one, two = (ntkc.compile(source=source)(x) for source in (own, named))
    np.testing.assert_allclose(one, two, rtol=1e-13)


@pytest.mark.parametrize("kink", [1.0, -0.5])
def test_one_that_a_kink_elsewhere_cuts_off_has_no_closed_form(kink):
    """By rules it was 0 in place of 20 at variance 40: terms of order e^variance cancelled."""
    z = symbol("z")
    body = function("select", z - kink, z, function("exp", z - kink))
    assert isinstance(closed_form(Expression("f", body)), NoClosedForm)
