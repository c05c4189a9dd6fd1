"""Closed forms for people: LaTeX and plain text, in the notation of the literature.

Homogeneous activations are shown by the angle theta = arccos(c / sqrt(pq)), with K_0 = theta,
K_1 = sin(theta) - theta cos(theta) and so on spelled out. What the compiler computes is
split at rho = 0 for accuracy; both halves are one analytic function, shown once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy

from ntkc.ir.arithmetic import kink_polynomials
from ntkc.ir.node import Node, Rewriter, const, is_const
from ntkc.symbolic.choose import where
from ntkc.symbolic.expectation import BOUNDED, C
from ntkc.symbolic.far import is_far
from ntkc.symbolic.functions import (
    Edge,
    ExpMinusOne,
    InverseRoot,
    Kink,
    Larger,
    Modulus,
    NormalCdf,
    OwenT,
    Select,
    Smaller,
)
from ntkc.symbolic.halflines import FAR, TINY
from ntkc.symbolic.held import is_difference
from ntkc.symbolic.translate import opaque_numbers, sympy_symbol, to_sympy

if TYPE_CHECKING:
    from ntkc.activations.base import Bound


_SMALL = 60
"""Expressions of at most this many operations are worth rearranging for the eye."""


@dataclass(frozen=True)
class Formula:
    """One formula in both notations."""

    latex: str
    text: str


@dataclass(frozen=True)
class Formulas:
    """What `ntkc explain` shows of an activation."""

    dual: Formula
    dual_dot: Formula
    diagonal: Formula


_SERIES = Formulas(
    Formula(
        r"a(p)\, a(q) + c \sum_l \frac{D_l(p)\, D_l(q)}{m_l + 1}\, \rho^{m_l}",
        "a(p) a(q) + c sum_l D_l(p) D_l(q) rho^m_l / (m_l + 1)",
    ),
    Formula(r"\sum_l D_l(p)\, D_l(q)\, \rho^{m_l}", "sum_l D_l(p) D_l(q) rho^m_l"),
    Formula(r"a(p)^2 + p \sum_l \frac{D_l(p)^2}{m_l + 1}", "a(p)^2 + p sum_l D_l(p)^2 / (m_l + 1)"),
)
"""Of an activation without closed form: see `ntkc.symbolic.series`."""


_DECAYS = Formulas(
    Formula(
        r"a(p)\, a(q) + c \sum_l \left[\frac{E_l(p)\, E_l(q)}{m_l + 1}\, \rho^{m_l} + "
        r"\frac{X_l(p)\, X_l(q) + s s_l (X_l(p) + X_l(q))}{m_l + 2}\, \rho^{m_l + 1}\right] + "
        r"\frac{2 s^2}{\pi} \left[\sqrt{p q - c^2} + c \arcsin \rho - \sqrt{p q}\right]",
        "a(p) a(q) + c sum_l [E_l(p) E_l(q) rho^m_l / (m_l + 1) + (X_l(p) X_l(q) + s s_l (X_l(p) + "
        "X_l(q))) rho^(m_l + 1) / (m_l + 2)] + "
        "(2 s^2/pi) [sqrt(pq - c^2) + c asin(rho) - sqrt(pq)]",
    ),
    Formula(
        r"\sum_l \left[E_l(p)\, E_l(q)\, \rho^{m_l} + (X_l(p)\, X_l(q) + "
        r"s s_l (X_l(p) + X_l(q)))\, \rho^{m_l + 1}\right] + \frac{2 s^2}{\pi} \arcsin \rho",
        "sum_l [E_l(p) E_l(q) rho^m_l + (X_l(p) X_l(q) + s s_l (X_l(p) + X_l(q))) rho^(m_l + 1)] + "
        "(2 s^2/pi) asin(rho)",
    ),
    Formula(
        r"a(p)^2 + p \sum_l \left[\frac{E_l(p)^2}{m_l + 1} + "
        r"\frac{X_l(p)^2 + 2 s s_l X_l(p)}{m_l + 2}\right] + p s^2 \left(1 - \frac{2}{\pi}\right)",
        "a(p)^2 + p sum_l [E_l(p)^2 / (m_l + 1) + (X_l(p)^2 + 2 s s_l X_l(p)) / (m_l + 2)] + "
        "p s^2 (1 - 2/pi)",
    ),
)
"""Of exponentials that a kink cuts off: see `ntkc.symbolic.decay_sums`."""


def formulas(bound: Bound) -> Formulas:
    """The closed forms over c, p, q (and theta) and the parameters' own names."""
    forms = bound.forms()
    if forms.certificate is not None:
        return _DECAYS if forms.certificate.route == "decays" else _SERIES
    rename = _display_names(bound)
    if forms.normalised is None:
        shown = [_analytic(form, rename) for form in (forms.dual, forms.dual_dot)]
    else:
        n = forms.normalised.degree
        shown = [
            _by_angle(form, degree, rename)
            for form, degree in ((forms.normalised.kappa, n), (forms.normalised.kappa_dot, n - 1))
        ]
    shown.append(_analytic(forms.diagonal, rename))
    return Formulas(*(Formula(sympy.latex(e), str(e)) for e in shown))


def _display_names(bound: Bound) -> dict[Any, Any]:
    """`erf_a` is shown as a; a parameter c gives way to the covariance and is c_0."""
    prefix = bound.activation.name + "_"
    shown = {sympy_symbol(name): sympy.Symbol(name) for name in ("p", "q")}
    for name in bound.symbols:
        short = name.removeprefix(prefix)
        shown[sympy_symbol(name)] = sympy.Symbol("c_0" if short == "c" else short, real=True)
    return shown


def _plain(expression: Any) -> Any:
    """Ordinary functions in place of ours."""
    return (
        expression.replace(ExpMinusOne, lambda x: sympy.exp(x) - 1)
        .replace(InverseRoot, lambda x: 1 / sympy.sqrt(x))
        .replace(Modulus, sympy.Abs)
        .replace(Larger, sympy.Max)
        .replace(Smaller, sympy.Min)
        .replace(Select, _sign_or_choice)
        .replace(NormalCdf, sympy.Function("Phi"))
        .replace(OwenT, lambda h, y, x: sympy.Function("T")(h, y / x))
        .replace(Edge, lambda n, h, y, x: sympy.Function(f"V_{n}")(h, y / x))
    )


def _sign_or_choice(condition: Any, yes: Any, no: Any) -> Any:
    """A choice, which is a sign where it is one between 1 and -1."""
    if (yes, no) == (-1, 1):
        return sympy.sign(-condition)
    return Select(condition, yes, no, evaluate=False)


def _unguarded(node: Node) -> Node:
    """A value without its guard: forms keep divisors above 0, heights within reach, covariances
    within bounds, and p q - c^2 at least 0.
    """
    if node is BOUNDED:
        return C
    if node.op == "max" and is_difference(node.args[0]) and is_const(node.args[1], 0.0):
        return node.args[0]
    if is_far(node):
        return node.args[2]  # the same for variances of every size
    if node.op == "select" and node.args[1].op == "div" and is_const(node.args[2], 0.0):
        return node.args[1] if node.args[1].args[1] is node.args[0] else node
    if node.op == "max" and all(arg.op == "abs" for arg in node.args):
        return const(1.0)  # a scale, which cancels
    if node.op in ("max", "min", "add"):
        for kept, guard in (node.args, node.args[::-1]):
            small = guard.args[0] if guard.op == "mul" else guard
            if is_const(small, TINY) or (node.op != "add" and guard in _HEIGHTS):
                return kept
    return node


_HEIGHTS = (const(FAR), const(-FAR))


def _analytic(form: Node, rename: dict[Any, Any]) -> Any:
    """The formula where c > 0, which continues to all c; odd constants to 6 digits."""
    form = Rewriter(_unguarded)(form)
    numbers = opaque_numbers(form)
    expression = _plain(where(to_sympy(form, numbers), sympy_symbol("c"), True))
    if expression.count_ops() <= _SMALL:
        whole = sympy.factor_terms(sympy.powsimp(sympy.expand(expression)))
        choices = (expression, whole)
        expression = min(choices, key=lambda e: (e.count_ops(), sympy.default_sort_key(e)))
    values = {s: sympy.Float(node.attr("value"), 6) for node, s in numbers.items()}
    return expression.xreplace(values).xreplace(rename)


def _by_angle(kappa: Node, degree: int, rename: dict[Any, Any]) -> Any:
    """(pq)^(n/2) times the function of theta, from the half rho > 0."""
    eta, theta = sympy_symbol("eta"), sympy.Symbol("theta", positive=True)
    expression = to_sympy(kappa)
    positive = where(expression, 1 - eta, True).xreplace({Smaller(eta, 2 - eta): eta})
    spelled = positive.replace(Kink, lambda n, _: _kink(int(n), theta))
    function = _plain(spelled).xreplace({eta: 1 - sympy.cos(theta)}).xreplace(rename)
    above, below = sympy.fraction(sympy.together(sympy.expand(function)))
    function = sympy.collect(sympy.expand(above), sympy.cos(theta)) / below
    return sympy.sqrt(sympy.Symbol("p") * sympy.Symbol("q")) ** degree * function


def _kink(n: int, theta: Any) -> Any:
    """K_n = A_n(cos theta) sin theta + B_n(cos theta) theta."""
    rho = sympy.cos(theta)
    sine, angle = (
        sum(sympy.Rational(a.numerator, a.denominator) * rho**k for k, a in enumerate(coefficients))
        for coefficients in kink_polynomials(n)
    )
    return sine * sympy.sin(theta) + angle * theta
