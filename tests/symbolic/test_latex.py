"""Formulas for people: short, and what is printed has the value of what is computed."""

from functools import lru_cache

import mpmath
import pytest
import sympy

from ntkc import activations
from ntkc.activations.base import Bound
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.module import DualForms
from ntkc.layers.base.activation import ActivationLayer
from ntkc.symbolic.gathered import C, P, Q, parts, readable_number
from ntkc.symbolic.latex import Formulas, formulas
from tests.backends.kernels import understood

REQUIRED = {
    "abrelu": (1.0, 2.0),
    "monomial": (3,),
    "rectified_monomial": (2,),
    "hermite": (3,),
    "polynomial": ([1.0, 2.0],),
}


@lru_cache
def of(name: str) -> tuple[Bound, Formulas]:
    """An activation, and what is shown of it."""
    bound = activations.load(name).bind(REQUIRED.get(name, ()))
    return bound, formulas(bound)


TEXT = {
    "relu": (
        "sqrt(p*q)*((pi - theta)*cos(theta) + sin(theta))/(2*pi)",
        "(pi - theta)/(2*pi)",
        "p/2",
    ),
    "abs": (
        "sqrt(p*q)*((pi - 2*theta)*cos(theta) + 2*sin(theta))/pi",
        "(pi - 2*theta)/pi",
        "p",
    ),
    "abrelu": (
        "sqrt(p*q)*((a - b)^2*sin(theta) + (pi*(a^2 + b^2) - theta*(a - b)^2)*cos(theta))/(2*pi)",
        "(pi*(a^2 + b^2) - theta*(a - b)^2)/(2*pi)",
        "p*(a^2 + b^2)/2",
    ),
    "sin": (
        "a^2*exp(-b^2*(p + q - 2*c)/2)/2 - a^2*exp(-b^2*(2*c + p + q)/2)*cos(2*c_0)/2",
        "a^2*b^2*exp(-b^2*(2*c + p + q)/2)*cos(2*c_0)/2 + a^2*b^2*exp(-b^2*(p + q - 2*c)/2)/2",
        "a^2/2 - a^2*exp(-2*b^2*p)*cos(2*c_0)/2",
    ),
    "step": ("(pi - theta)/(2*pi)", "0", "1/2"),
    "exp": (
        "a^2*exp(b^2*(c + p/2 + q/2))",
        "a^2*b^2*exp(b^2*(c + p/2 + q/2))",
        "a^2*exp(2*b^2*p)",
    ),
}


@pytest.mark.parametrize("name", TEXT)
def test_formulas_read_as_in_the_literature(name):
    _, shown = of(name)
    assert (shown.dual.text, shown.dual_dot.text, shown.diagonal.text) == TEXT[name]


def test_a_parameter_gives_way_to_the_covariance():
    _, shown = of("erf")
    assert "c_0^2" in shown.dual.text
    assert "erf_" not in shown.dual.text
    assert "c_0 is the argument `c`." in shown.names


def test_latex_is_latex():
    _, shown = of("gelu")
    assert r"\sqrt{" in shown.dual.latex
    assert r"\frac" in shown.dual_dot.latex


@pytest.mark.parametrize("name", activations.names())
def test_every_activation_has_formulas(name):
    _, shown = of(name)
    for formula in (shown.dual, shown.dual_dot, shown.diagonal):
        assert formula.latex.count("{") == formula.latex.count("}")
        assert not {"Select", "Kink", "Larger", "number0"} & set(formula.text.split("("))


# --- the printed formulas' values ----------------------------------------------------------

DIGITS = 30
PAIRS = ((0.7, 0.9, 2.1), (0.05, 1.3, 0.2), (3.0, 4.0, 2.5))
"""Covariances and variances; formulas are shown for c > 0, and continue to all c."""


def printed(formula: str, **values: float) -> mpmath.mpf:
    """The value of a printed formula."""

    def owen_t(h, a):
        return mpmath.quad(
            lambda t: mpmath.exp(-(h**2) * (1 + t**2) / 2) / (1 + t**2), mpmath.linspace(0, a, 5)
        ) / (2 * mpmath.pi)

    known = {name: mpmath.mpf(value) for name, value in values.items()}
    if "q" in values:
        c, p, q = known["c"], known["p"], known["q"]
        known |= {"s": mpmath.sqrt(p * q - c**2), "theta": mpmath.acos(c / mpmath.sqrt(p * q))}
    functions = {"Phi": mpmath.ncdf, "T": owen_t, "sign": mpmath.sign, "Max": max, "Min": min}
    functions |= {f: getattr(mpmath, f) for f in ("exp", "sqrt", "atan", "sin", "cos", "pi")}
    return eval(formula.replace("^", "**"), {"__builtins__": {}}, functions | known)


def check(bound: Bound, forms: DualForms, shown: Formulas, error: float) -> None:
    """Each printed formula at pairs, and at coincidence, with odd values for parameters."""
    names = sorted(bound.symbols)
    prefix = bound.activation.name + "_"
    given = {name: 0.6 + 0.17 * k for k, name in enumerate(names)}
    for parameter in bound.activation.parameters:
        if parameter.high <= 0:
            given[prefix + parameter.name] = -0.8
    short = {n.removeprefix(prefix): v for n, v in given.items()}
    short |= {f"{n}_0": v for n, v in short.items()}
    short |= {f"c_{n.removeprefix('coefficients')}": v for n, v in short.items()}
    arithmetic = mpmath_arithmetic(DIGITS)
    with mpmath.workdps(DIGITS):
        for c, p, q in PAIRS:
            for form, formula in ((forms.dual, shown.dual), (forms.dual_dot, shown.dual_dot)):
                (exact,) = evaluate([form], given | {"c": c, "p": p, "q": q}, arithmetic)
                value = printed(formula.text, **{**short, "c": c, "p": p, "q": q})
                assert abs(value - exact) <= error * (abs(exact) + 1), formula.text
            (exact,) = evaluate([forms.diagonal], given | {"p": p}, arithmetic)
            value = printed(shown.diagonal.text, **{**short, "p": p})
            assert abs(value - exact) <= error * (abs(exact) + 1), shown.diagonal.text


SIX_DIGITS = {"sigmoid_like": 1e-5}
"""Whose odd constants are printed to six digits, as 1.702 below is."""


@pytest.mark.parametrize("name", activations.names())
def test_what_is_printed_is_what_is_computed(name):
    bound, shown = of(name)
    forms = bound.forms()
    if forms.certificate is None:  # 1e-14: constants of the forms are floats
        check(bound, forms, shown, SIX_DIGITS.get(name, 1e-14))


DEFINED = (
    "z * exp(-z^2)",
    "max(z, 0)^2",
    "max(z - 1, 0) * 2 + 0.5 * min(z + 2, 0)",
    "if abs(z) < 1 then 0 else z*z - 1",
    "if z < a then 0 else if z < 1 then z + 1 else 2",
    "z * Phi(1.702 * z)",
    "sin(a * z) * exp(-z^2 / 3)",
    "abs(z) + z^3 / 4",
    "min(max(z, -a), 2 * a)",
)


@pytest.mark.parametrize("formula", DEFINED)
def test_what_is_printed_of_a_defined_activation(formula):
    program = (
        f"activation f(z, a = 0.75) = {formula}\n"
        "network net { input vector[3]; dense -> f -> dense }"
    )
    nodes = understood(program).network.nodes()
    (bound,) = (n.layer.bound for n in nodes if isinstance(n.layer, ActivationLayer))
    forms = bound.forms()
    assert forms.certificate is None
    check(bound, forms, formulas(bound), 1e-5 if "1.702" in formula else 1e-14)


def test_moments_are_short():
    """527 operations and guards of 1e-30 became eleven terms."""
    _, shown = of("hard_tanh")
    assert shown.dual_dot.text == (
        "1 - 2*(T(1/sqrt(p), (p - c)/s) + T(1/sqrt(p), (c + p)/s) + T(1/sqrt(q), (q - c)/s) + "
        "T(1/sqrt(q), (c + q)/s))"
    )
    assert shown.diagonal.text == (
        "p - sqrt(2)*sqrt(p)*exp(-1/(2*p))/sqrt(pi) - 2*(p - 1)*Phi(-1/sqrt(p))"
    )
    assert len(shown.dual.text) < 450
    assert shown.names == (
        "s is √(pq - c²).",
        "Phi is the normal distribution function.",
        "T(h, a) is Owen's T function.",
    )


@pytest.mark.parametrize("name", activations.names())
def test_latex_can_be_set(name):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    _, shown = of(name)
    for formula in (shown.dual, shown.dual_dot, shown.diagonal):
        parser.parse(f"${formula.latex}$")
        assert not {"nan", "infty", "10^{-30}"} & set(formula.latex.replace("\\", " ").split())


def test_numbers_are_read_as_what_they_are():
    assert readable_number(6 / (2 * 3.141592653589793) ** 0.5) == 6 / sympy.sqrt(2 * sympy.pi)
    assert readable_number(2e-30) == 0
    assert readable_number(1.554312234475219e-16) == 0
    assert readable_number(0.34662799) is None


def test_what_is_too_large_stays(monkeypatch):
    assert parts((P + Q) * C) == {1: C * (P + Q)}
    monkeypatch.setattr("ntkc.symbolic.gathered._LARGE", 1)
    assert parts((P + Q) * C) is None
