"""From one closed form of an activation to every form that the compiler uses.

- dual_dot by Price's theorem (Price 1958): E[f'(u) f'(v)] = d/dc E[f(u) f(v)];
- diagonal and diagonal_dot: the limits c = q = p, which are exact substitutions in forms
  that have no singularity there;
- the complement by difference arithmetic (`ntkc.symbolic.difference`).

A closed form arrives with its structure chosen for accuracy: what stands under a square
root sums without cancellation. So radicands are opaque symbols to SymPy, with their own
derivatives, and come back as the nodes they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from ntkc.ir.module import DualForms, NormalisedDual
from ntkc.ir.node import Node, const, function, is_const, substitute, symbol, topological
from ntkc.symbolic.difference import complement, homogeneous_complement
from ntkc.symbolic.functions import Select
from ntkc.symbolic.translate import from_sympy, sympy_symbol, to_sympy

if TYPE_CHECKING:
    from ntkc.activations.base import Bound, Homogeneous

_C, _P, _Q, _ETA, _RHO, _MU = map(symbol, ("c", "p", "q", "eta", "rho", "mu"))


def dual_forms(bound: Bound) -> DualForms:
    """Every form of an activation with its arguments, over symbols."""
    from ntkc.activations.base import Homogeneous

    if isinstance(bound.activation, Homogeneous):
        return _homogeneous_forms(bound, bound.activation)
    dual = bound.activation.dual(_C, _P, _Q, *bound.symbolic_values)
    dual_dot = derivative(dual, "c")
    return DualForms(
        name=bound.key,
        parameters=bound.symbols,
        dual=dual,
        dual_dot=dual_dot,
        diagonal=tidy(on_diagonal(dual)),
        diagonal_dot=tidy(on_diagonal(dual_dot)),
        complement=complement(dual),
    )


def on_diagonal(form: Node) -> Node:
    """The form at c = q = p."""
    return substitute(form, {"c": _P, "q": _P})


def _homogeneous_forms(bound: Bound, activation: Homogeneous) -> DualForms:
    """dual = (pq)^(n/2) kappa(rho), dual_dot = (pq)^((n-1)/2) kappa'(rho)."""
    from ntkc.activations.base import correlation, root_power

    arguments = bound.symbolic_values
    n = activation.homogeneity(*arguments)
    kappa = tidy(activation.kappa(_RHO, _MU, *arguments))
    dotted = const(0.0) if activation.distributional_derivative else derivative(kappa, "rho")
    norm, norm_dot = n, n - 1
    rho = correlation(_C, _P, _Q)
    from_pair = {"rho": rho, "mu": 1.0 - function("abs", rho)}
    far = function("min", _ETA, 2.0 - _ETA)
    from_eta = {"rho": 1.0 - _ETA, "mu": far}

    def scaled(value: Node, power: Any, base: Node) -> Node:
        if is_const(value, 0.0):
            return value
        return value if power == 0 else root_power(base, power) * value

    return DualForms(
        name=bound.key,
        parameters=bound.symbols,
        dual=scaled(substitute(kappa, from_pair), norm, _P * _Q),
        dual_dot=scaled(substitute(dotted, from_pair), norm_dot, _P * _Q),
        diagonal=scaled(_coincident(kappa), 2 * n, _P),
        diagonal_dot=scaled(_coincident(dotted), 2 * n - 2, _P),
        complement=homogeneous_complement(kappa),
        normalised=NormalisedDual(n, substitute(kappa, from_eta), substitute(dotted, from_eta)),
    )


def _coincident(kappa: Node) -> Node:
    """The value at rho = 1."""
    values = {sympy_symbol("rho"): 1, sympy_symbol("mu"): 0}
    return from_sympy(to_sympy(kappa).subs(values))


def derivative(form: Node, name: str) -> Node:
    """d form / d name, with `mu` = 1 - |rho|, simplified as far as that is cheap."""
    known: dict[Node, Any] = {}
    variable = sympy_symbol(name)
    rates: dict[Any, Any] = {}
    if name == "rho":
        rates[sympy_symbol("mu")] = Select(variable, -1, 1)
    for node in topological((form,)):
        if node.op == "sqrt" and node.args[0].args and node.args[0] not in known:
            inside = to_sympy(node.args[0], known)
            opaque = sympy.Symbol(f"radicand{len(rates)}", positive=True)
            rates[opaque] = _total(inside, variable, rates)
            known[node.args[0]] = opaque
    expression = _total(to_sympy(form, known), variable, rates)
    return cheapest(expression, {opaque: node for node, opaque in known.items()})


def _total(expression: Any, variable: Any, rates: dict[Any, Any]) -> Any:
    """The total derivative where the symbols in `rates` depend on the variable."""
    result = sympy.diff(expression, variable)
    for dependent, rate in rates.items():
        result += sympy.diff(expression, dependent) * rate
    return result


def tidy(form: Node) -> Node:
    """The same form after SymPy's automatic simplification and cheap gathering of terms."""
    return cheapest(to_sympy(form), {})


def cheapest(expression: Any, known: dict[Any, Node]) -> Node:
    """The cheapest of a few rearrangements that cost milliseconds."""
    expression = _merge_selects(expression)
    terms = sympy.Add(*(sympy.together(term) for term in sympy.Add.make_args(expression)))
    candidates = [
        sympy.expand_mul(expression, deep=False),
        expression,
        sympy.factor_terms(expression),
        terms,
        sympy.factor_terms(terms),
        sympy.together(expression),
    ]
    return min((from_sympy(e, known) for e in candidates), key=cost)


_COSTS = {"const": 0, "symbol": 0, "param": 0, "div": 4, "sqrt": 4, "inv_sqrt": 8}
_CHEAP = frozenset({"add", "sub", "mul", "neg", "abs", "min", "max", "select"})


def cost(form: Node) -> int:
    """A rough count of work: shared parts once, quotients and roots as 4 sums, functions 12."""
    return sum(1 if node.op in _CHEAP else _COSTS.get(node.op, 12) for node in topological((form,)))


def _merge_selects(expression: Any) -> Any:
    """One choice where several have the same condition: select(c, f, g)."""
    choices = sorted(expression.atoms(Select), key=sympy.default_sort_key)
    conditions = {choice.args[0] for choice in choices}
    if len(conditions) != 1 or expression == choices[0]:
        return expression
    (condition,) = conditions
    yes = expression.xreplace({choice: choice.args[1] for choice in choices})
    no = expression.xreplace({choice: choice.args[2] for choice in choices})
    return Select(condition, sympy.expand_mul(yes), sympy.expand_mul(no))
