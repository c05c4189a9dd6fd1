"""Which of several equal expressions to compute: the cheapest among the accurate.

SymPy's rearrangements are equal in exact arithmetic alone. Each is evaluated in float64 at
a few dozen points and held to its value in 30 digits; one that loses more digits than the
best by a factor is out, and of the rest the one with the least work is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sympy

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.node import Node, topological
from ntkc.symbolic.functions import Larger, Modulus, Select
from ntkc.symbolic.translate import from_sympy, opaque_numbers, sympy_symbol, to_sympy

_ROUNDING = float(np.finfo(np.float64).eps)
_COSTS = {"const": 0, "symbol": 0, "param": 0, "div": 4, "sqrt": 4, "inv_sqrt": 8}
_LARGE = 400
"""Beyond this much work SymPy takes its time and finds nothing."""
_CHEAP = frozenset({"add", "sub", "mul", "neg", "abs", "min", "max", "select"})


def tidy(form: Node) -> Node:
    """The same formula rearranged: cheaper where that costs no accuracy."""
    if cost(form) > _LARGE:
        return form
    numbers = opaque_numbers(form)
    return cheapest(to_sympy(form, numbers), {s: node for node, s in numbers.items()}, (form,))


def cheapest(expression: Any, known: dict[Any, Node], also: Sequence[Node] = ()) -> Node:
    """The best rearrangement, where `known` are the nodes that opaque symbols stand for."""
    candidates = list(also)
    for rearranged in _rearrangements(expression):
        node = from_sympy(rearranged, known)
        if node not in candidates:
            candidates.append(node)
    return min(_accurate(candidates), key=cost)


def cost(form: Node) -> int:
    """A rough count of work: shared parts once, quotients and roots as 4 sums, functions 12."""
    return sum(_cost(node) for node in topological((form,)))


def _cost(node: Node) -> int:
    if node.op == "power":
        return int(node.attr("exponent")).bit_length()
    if node.op == "polynomial":
        return 2 * len(node.attr("coefficients")) - 2
    return 1 if node.op in _CHEAP else _COSTS.get(node.op, 12)


def _rearrangements(expression: Any) -> Iterable[Any]:
    """What SymPy makes of it in milliseconds; sums before products where they cost the same."""
    expression = _resolved(expression)
    for variant in dict.fromkeys((expression, _merge_selects(expression))):
        whole = sympy.expand_mul(variant, deep=False)
        yield whole
        yield variant
        yield from _horner(variant)
        if variant.count_ops() > _LARGE:
            continue
        yield sympy.expand(variant)
        yield sympy.factor_terms(sympy.expand(variant))
        terms = sympy.Add(*(sympy.together(term) for term in sympy.Add.make_args(variant)))
        yield sympy.factor_terms(variant)
        yield terms
        yield sympy.factor_terms(terms)
        yield sympy.together(variant)


def _horner(expression: Any) -> Iterable[Any]:
    """Horner's rule in the covariance, where the form is a polynomial in it."""
    c = sympy_symbol("c")
    if expression.has(c) and expression.is_polynomial(c):
        yield sympy.horner(expression, wrt=c)


def _merge_selects(expression: Any) -> Any:
    """One choice where several have the same condition: select(c, f, g)."""
    choices = sorted(expression.atoms(Select), key=sympy.default_sort_key)
    conditions = {choice.args[0] for choice in choices}
    if len(conditions) != 1 or expression == choices[0]:
        return expression
    (condition,) = conditions
    branches = (where(expression, condition, holds) for holds in (True, False))
    return Select(condition, *map(sympy.expand_mul, branches))


def _resolved(expression: Any) -> Any:
    """Inside a choice's branches, the condition is known."""
    return expression.replace(
        Select, lambda c, x, y: Select(c, where(x, c, True), where(y, c, False))
    )


def where(expression: Any, condition: Any, holds: bool) -> Any:
    """The expression where the condition (> 0) is known to hold or not to hold."""
    known = {
        Larger(condition, 0): condition if holds else sympy.Integer(0),
        Modulus(condition): condition if holds else -condition,
    }
    for choice in expression.atoms(Select):
        if choice.args[0] == condition:
            known[choice] = choice.args[1 if holds else 2]
    return expression.xreplace(known)


# --- accuracy --------------------------------------------------------------------------

_ETAS = (1e-9, 1e-4, 0.03, 0.4, 1.0, 1.3, 1.9, 2.0)
_VARIANCES = (1e-5, 0.01, 0.3, 1.0, 1.5, 12.0)


def _accurate(candidates: list[Node]) -> list[Node]:
    """Those whose largest and typical errors are within a factor of the best."""
    if len(candidates) < 2:
        return candidates
    points = _points(candidates)
    exact = _exact(candidates[0], points)
    errors = [_errors(candidate, points, exact) for candidate in candidates]
    largest = [float(e.max()) for e in errors]
    typical = [float(np.log2(e + _ROUNDING).mean()) for e in errors]
    return [
        candidate
        for candidate, worst, usual in zip(candidates, largest, typical, strict=True)
        if worst <= 2 * min(largest) + 2 * _ROUNDING and usual <= min(typical) + 0.5
    ]


def _points(forms: Iterable[Node]) -> dict[str, Any]:
    """A few dozen points, deterministic, consistent: |c| <= sqrt(pq), rho = 1 - eta.

    Parameters are 0 or 1 at every third, where terms vanish and others must not cancel.
    """
    names = {n.attr("name") for n in topological(forms) if n.op in ("symbol", "param")}
    steps = np.arange(36)
    eta = np.array(_ETAS)[steps % len(_ETAS)]
    p = np.array(_VARIANCES)[steps // 2 % len(_VARIANCES)]
    q = p * (1 + 0.7 * np.sin(3.0 * steps) * (steps % 3 > 0))
    values = {"eta": eta, "rho": 1 - eta, "mu": np.minimum(eta, 2 - eta), "p": p, "q": q}
    values["c"] = np.sqrt(p * q) * (1 - eta)
    for k, name in enumerate(sorted(names - values.keys())):
        special = 1 - (steps // 3 >> k % 3) % 2
        values[name] = np.where(steps % 3 == 1, special, np.sin(1.0 + 2.3 * k + 0.7 * steps))
    return {name: values[name] for name in values if name in names}


def _exact(form: Node, points: dict[str, Any]) -> list[Any]:
    arithmetic = mpmath_arithmetic(30)
    count = max((len(v) for v in points.values()), default=1)
    return [
        evaluate([form], {name: float(v[k]) for name, v in points.items()}, arithmetic)[0]
        for k in range(count)
    ]


def _errors(form: Node, points: dict[str, Any], exact: list[Any]) -> Any:
    """Relative errors in float64; 1 for what is not finite and should be."""
    with np.errstate(all="ignore"):
        (values,) = evaluate([form], points)
    values = np.broadcast_to(values, (len(exact),))
    return np.array([_error(float(v), x) for v, x in zip(values, exact, strict=True)])


def _error(value: float, exact: Any) -> float:
    if not math.isfinite(float(exact)) or exact == 0:
        return 0.0
    if not math.isfinite(value):
        return 1.0
    return min(1.0, float(abs(value - exact) / abs(exact)))
