"""Closed forms for people: LaTeX and plain text, in the notation of the literature.

Homogeneous activations are shown by the angle theta = arccos(c / sqrt(pq)), with K_0 = theta,
K_1 = sin(theta) - theta cos(theta) and so on spelled out. What the compiler computes is
split at rho = 0 for accuracy; both halves are one analytic function, shown once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy

from ntkc.ir.arithmetic import kink_polynomials
from ntkc.ir.node import Node, Rewriter, const, is_const, topological
from ntkc.symbolic.choose import where
from ntkc.symbolic.coincidence import at_coincidence
from ntkc.symbolic.expectation import BOUNDED, C
from ntkc.symbolic.far import is_far
from ntkc.symbolic.functions import Kink, Smaller
from ntkc.symbolic.gathered import (
    OWEN_T,
    PHI,
    S,
    parts,
    readable_number,
    spelled,
    summed,
    with_s,
)
from ntkc.symbolic.halflines import FAR, TINY
from ntkc.symbolic.held import is_difference
from ntkc.symbolic.moments import is_within
from ntkc.symbolic.printing import as_latex, as_text
from ntkc.symbolic.translate import opaque_numbers, sympy_symbol, to_sympy

if TYPE_CHECKING:
    from ntkc.activations.base import Bound


_SMALL = 60
"""Expressions of at most this many operations are worth rearranging for the eye."""
_SHOWN = 40_000
"""Operations of a formula that is shown, at most, each part counted wherever it is written."""


@dataclass(frozen=True)
class Formula:
    """One formula in both notations."""

    latex: str
    text: str


@dataclass(frozen=True)
class Formulas:
    """What `ntkc explain` shows of an activation; `names` says what stands for what, in words."""

    dual: Formula
    dual_dot: Formula
    diagonal: Formula
    names: tuple[str, ...] = ()


_SERIES = Formulas(
    Formula(
        r"a(p)\, a(q) + c \sum_l \frac{D_l(p)\, D_l(q)}{m_l + 1}\, \rho^{m_l}",
        "a(p) a(q) + c sum_l D_l(p) D_l(q) rho^m_l / (m_l + 1)",
    ),
    Formula(r"\sum_l D_l(p)\, D_l(q)\, \rho^{m_l}", "sum_l D_l(p) D_l(q) rho^m_l"),
    Formula(r"a(p)^2 + p \sum_l \frac{D_l(p)^2}{m_l + 1}", "a(p)^2 + p sum_l D_l(p)^2 / (m_l + 1)"),
    (
        "Here rho = c/√(pq), a(p) = E[f(√p z)], and D_l(p) is the square root of a weight times "
        "E[f'(√p z) h_m(z)], h_m the orthonormal Hermite polynomial of degree m = m_l. The few "
        "degrees and weights are a quadrature rule for the sum over all degrees; a and D_l are "
        "computed once for each input.",
    ),
)
"""Of an activation without closed form: see `ntkc.symbolic.series`."""


_DECAYS = Formulas(
    Formula(
        r"a(p)\, a(q) + c \sum_l \left[\frac{E_l(p)\, E_l(q)}{m_l + 1}\, \rho^{m_l} + "
        r"\frac{X_l(p)\, X_l(q) + j s_l (X_l(p) + X_l(q))}{m_l + 2}\, \rho^{m_l + 1}\right] + "
        r"\frac{2 j^2}{\pi} \left[\sqrt{p q - c^2} + c \arcsin \rho - \sqrt{p q}\right]",
        "a(p) a(q) + c sum_l [E_l(p) E_l(q) rho^m_l / (m_l + 1) + (X_l(p) X_l(q) + j s_l (X_l(p) + "
        "X_l(q))) rho^(m_l + 1) / (m_l + 2)] + "
        "(2 j^2/pi) [sqrt(pq - c^2) + c asin(rho) - sqrt(pq)]",
    ),
    Formula(
        r"\sum_l \left[E_l(p)\, E_l(q)\, \rho^{m_l} + (X_l(p)\, X_l(q) + "
        r"j s_l (X_l(p) + X_l(q)))\, \rho^{m_l + 1}\right] + \frac{2 j^2}{\pi} \arcsin \rho",
        "sum_l [E_l(p) E_l(q) rho^m_l + (X_l(p) X_l(q) + j s_l (X_l(p) + X_l(q))) rho^(m_l + 1)] + "
        "(2 j^2/pi) asin(rho)",
    ),
    Formula(
        r"a(p)^2 + p \sum_l \left[\frac{E_l(p)^2}{m_l + 1} + "
        r"\frac{X_l(p)^2 + 2 j s_l X_l(p)}{m_l + 2}\right] + p j^2 \left(1 - \frac{2}{\pi}\right)",
        "a(p)^2 + p sum_l [E_l(p)^2 / (m_l + 1) + (X_l(p)^2 + 2 j s_l X_l(p)) / (m_l + 2)] + "
        "p j^2 (1 - 2/pi)",
    ),
    (
        "Here rho = c/√(pq), a(p) = E[f(√p z)], and j is half the jump of f' at 0. E_l and X_l are "
        "the coefficients of its even and its odd part, without the jump, in the few even degrees "
        "m = m_l and in m + 1; s_l those of sign(z); all with a weight's square root.",
    ),
)
"""Of exponentials that a kink cuts off: see `ntkc.symbolic.decay_sums`."""


def formulas(bound: Bound) -> Formulas:
    """The closed forms over c, p, q (and theta) and the parameters' own names."""
    forms = bound.forms()
    if forms.certificate is not None:
        return _DECAYS if forms.certificate.route == "decays" else _SERIES
    sizes = [_spelled(form) for form in (forms.dual, forms.dual_dot, forms.diagonal)]
    if max(sizes) > _SHOWN:
        long = [_unshown(size) for size in sizes]
        return Formulas(long[0], long[1], long[2])
    rename = _display_names(bound)
    if forms.normalised is None:
        dual, dual_dot = (_analytic(form, rename) for form in (forms.dual, forms.dual_dot))
    else:
        n = forms.normalised.degree
        dual = _by_angle(forms.normalised.kappa, n, rename)
        dual_dot = _by_angle(forms.normalised.kappa_dot, n - 1, rename)
    diagonal = _at_coincidence(forms.dual, rename)
    if diagonal is None:
        diagonal = _analytic(forms.diagonal, rename)
    shown = (dual, dual_dot, diagonal)
    written = [Formula(as_latex(e), as_text(e)) for e in shown]
    return Formulas(written[0], written[1], written[2], _names(shown, rename))


_TAKEN = frozenset(("c", "p", "q", "s", "theta", "rho", "T", "Phi"))
"""What formulas mean by these names; a parameter called so gets an index 0."""
_LISTED = re.compile(r"[a-z]+([0-9]+)")


def _spelled(form: Node) -> int:
    """How many operations there are to write."""
    sizes: dict[Node, int] = {}
    for node in topological((form,)):
        sizes[node] = 1 + sum(sizes[arg] for arg in node.args)
    return sizes[form]


def _unshown(size: int) -> Formula:
    """In the place of a formula that nobody would read, nor wait for."""
    return Formula(rf"\text{{a formula of {size} operations}}", f"a formula of {size} operations")


def _display_names(bound: Bound) -> dict[Any, Any]:
    """`erf_a` is shown as a, an item of a list as c_2; a parameter c gives way to the covariance
    and is c_0. Of an argument with a bound at 0 the sign is known.
    """
    activation = bound.activation
    limits = {p.name: (p.low, p.high) for p in activation.parameters}
    shown = {}
    for name in bound.symbols:
        short = name.removeprefix(activation.name + "_")
        low, high = limits.get(short, (-math.inf, math.inf))
        listed = None if short in limits else _LISTED.fullmatch(short)
        label = f"c_{listed[1]}" if listed else f"{short}_0" if short in _TAKEN else short
        sign = {"positive": True} if low >= 0 else {"negative": True} if high <= 0 else {}
        shown[sympy_symbol(name)] = sympy.Symbol(label, real=True, **sign)
    return shown


def _names(shown: tuple[Any, ...], rename: dict[Any, Any]) -> tuple[str, ...]:
    """What the formulas' names mean, beyond variances, covariance and angle."""
    symbols = {s for e in shown for s in e.free_symbols}
    words = ["s is √(pq - c²)."] if S in symbols else []
    for function, meaning in (
        (PHI, "Phi is the normal distribution function."),
        (OWEN_T, "T(h, a) is Owen's T function."),
    ):
        if any(e.has(function) for e in shown):
            words.append(meaning)
    for long, short in rename.items():
        name = short.name.removesuffix("_0")
        if short in symbols and name in _TAKEN and long.name.endswith(f"_{name}"):
            words.append(f"{short.name} is the argument `{name}`.")
    return tuple(words)


# --- from what is computed to what is shown ------------------------------------------------


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
    if is_within(node):
        return node.args[1]
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


def _computed(form: Node, rename: dict[Any, Any]) -> tuple[Any, dict[Any, Any]]:
    """The formula where c > 0, which continues to all c, without its guards; and the values of
    numbers in it that only digits say. They are symbols, so that nothing rounds on the way.
    """
    form = Rewriter(_unguarded)(form)
    numbers = opaque_numbers(form)
    values = {}
    for node, symbol in numbers.items():
        known = readable_number(node.attr("value"))
        if known is None:
            values[symbol] = sympy.Float(node.attr("value"), 6)
        numbers[node] = symbol if known is None else known
    positive = where(to_sympy(form, numbers), sympy_symbol("c"), True)
    return spelled(positive.xreplace(rename)), values


def _analytic(form: Node, rename: dict[Any, Any]) -> Any:
    """The formula as it is computed, rearranged or gathered, whichever is shortest."""
    expression, values = _computed(form, rename)
    choices = [with_s(expression)]
    if expression.count_ops() <= _SMALL:
        choices.append(with_s(sympy.factor_terms(sympy.powsimp(sympy.expand(expression)))))
    found = parts(expression)
    if found is not None:
        choices.append(summed(found))
    shortest = min(choices, key=lambda e: (e.count_ops(), sympy.default_sort_key(e)))
    return shortest.xreplace(values)


def _at_coincidence(dual: Node, rename: dict[Any, Any]) -> Any | None:
    """The dual at c = q = p, where it is made of truncated moments: what is computed there has
    guards instead of limits.
    """
    expression, values = _computed(dual, rename)
    if not expression.has(PHI, OWEN_T):
        return None
    found = parts(expression)
    limit = None if found is None else at_coincidence(found)
    return None if limit is None else limit.xreplace(values)


def _by_angle(kappa: Node, degree: int, rename: dict[Any, Any]) -> Any:
    """(pq)^(n/2) times the function of theta, from the half rho > 0."""
    eta, theta = sympy_symbol("eta"), sympy.Symbol("theta", positive=True)
    expression = to_sympy(kappa)
    positive = where(expression, 1 - eta, True).xreplace({Smaller(eta, 2 - eta): eta})
    kinks = positive.replace(Kink, lambda n, _: _kink(int(n), theta))
    function = spelled(kinks).xreplace({eta: 1 - sympy.cos(theta)}).xreplace(rename)
    above, below = sympy.fraction(sympy.together(sympy.expand(function)))
    shown = _by_waves(sympy.expand(above), theta) / below
    return sympy.sqrt(sympy.Symbol("p") * sympy.Symbol("q")) ** degree * shown


def _by_waves(function: Any, theta: Any) -> Any:
    """A polynomial in the angle, its sine and its cosine, gathered by the two waves."""
    waves = sympy.sin(theta), sympy.cos(theta)
    if function.has(sympy.exp):
        return sympy.factor_terms(sympy.powsimp(function))
    terms = sympy.Poly(function, *waves).terms()
    shown = (_line(line, theta) * waves[0] ** i * waves[1] ** j for (i, j), line in terms)
    return sympy.Add(*shown)


def _line(line: Any, theta: Any) -> Any:
    """A coefficient that is a straight line in the angle: factored, or each part of it."""
    whole = sympy.factor(line)
    if whole.is_Mul or not line.has(theta):
        return whole
    level, slope = line.coeff(theta, 0), line.coeff(theta, 1)
    return sympy.factor(level) + sympy.factor(slope) * theta


def _kink(n: int, theta: Any) -> Any:
    """K_n = A_n(cos theta) sin theta + B_n(cos theta) theta."""
    rho = sympy.cos(theta)
    sine, angle = (
        sum(sympy.Rational(a.numerator, a.denominator) * rho**k for k, a in enumerate(coefficients))
        for coefficients in kink_polynomials(n)
    )
    return sine * sympy.sin(theta) + angle * theta
