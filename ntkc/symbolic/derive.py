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

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import sympy

from ntkc.ir.module import DualForms, NormalisedDual
from ntkc.ir.node import Node, const, function, is_const, substitute, symbol, topological
from ntkc.symbolic.choose import cheapest, tidy
from ntkc.symbolic.difference import complement, homogeneous_complement
from ntkc.symbolic.functions import Select
from ntkc.symbolic.translate import from_sympy, opaque_numbers, sympy_symbol, to_sympy

if TYPE_CHECKING:
    from ntkc.activations.base import Bound, Homogeneous

_C, _P, _Q, _ETA, _RHO, _MU = map(symbol, ("c", "p", "q", "eta", "rho", "mu"))


def dual_forms(bound: Bound) -> DualForms:
    """Every form of an activation with its arguments, over symbols."""
    from ntkc.activations._derived import Derived
    from ntkc.activations.base import Closed, Homogeneous

    if isinstance(bound.activation, Derived):
        return bound.activation.derived_forms(bound)
    if isinstance(bound.activation, Homogeneous):
        return _homogeneous_forms(bound, bound.activation)
    assert isinstance(bound.activation, Closed)  # `Bound.forms` sends the others to their series
    dual = bound.activation.dual(_C, _P, _Q, *bound.symbolic_values)
    dual_dot = derivative(dual, "c")
    diagonal = tidy(on_diagonal(dual))
    return DualForms(
        name=bound.key,
        parameters=bound.symbols,
        dual=dual,
        dual_dot=dual_dot,
        diagonal=diagonal,
        diagonal_dot=tidy(on_diagonal(dual_dot)),
        complement=complement(dual, diagonal),
    )


def on_diagonal(form: Node) -> Node:
    """The form at c = q = p."""
    return substitute(form, {"c": _P, "q": _P})


def _homogeneous_forms(bound: Bound, activation: Homogeneous) -> DualForms:
    arguments = bound.symbolic_values
    n = activation.homogeneity(*arguments)
    kappa = activation.kappa(_RHO, _MU, *arguments)
    jumps = activation.distributional_derivative
    return homogeneous_forms(bound.key, bound.symbols, n, kappa, jumps)


def homogeneous_forms(
    name: str, parameters: tuple[str, ...], n: int, kappa: Node, jumps: bool
) -> DualForms:
    """dual = (pq)^(n/2) kappa(rho), dual_dot = (pq)^((n-1)/2) kappa'(rho), or 0 where f jumps."""
    from ntkc.activations.base import correlation, root_power

    kappa = tidy(kappa)
    dotted = const(0.0) if jumps else derivative(kappa, "rho")
    rho = correlation(_C, _P, _Q)
    from_pair = {"rho": rho, "mu": 1.0 - function("abs", rho)}
    from_eta = {"rho": 1.0 - _ETA, "mu": function("min", _ETA, 2.0 - _ETA)}

    def scaled(value: Node, base: Node, power: int) -> Node:
        return value if power == 0 or is_const(value, 0.0) else root_power(base, power) * value

    return DualForms(
        name=name,
        parameters=parameters,
        dual=scaled(substitute(kappa, from_pair), _P * _Q, n),
        dual_dot=scaled(substitute(dotted, from_pair), _P * _Q, n - 1),
        diagonal=scaled(_coincident(kappa), _P, 2 * n),
        diagonal_dot=scaled(_coincident(dotted), _P, 2 * n - 2),
        complement=_homogeneous_complement(kappa, from_eta),
        normalised=NormalisedDual(n, substitute(kappa, from_eta), substitute(dotted, from_eta)),
    )


def _homogeneous_complement(kappa: Node, from_eta: dict[str, Node]) -> Node:
    """1 - kappa(rho) / kappa(1); 1 where kappa(1) is 0, which only parameters can bring about."""
    ratio, top = homogeneous_complement(kappa)
    if top is None:
        value = tidy(ratio)
    elif is_const(tidy(top)):
        value = tidy(ratio / top)
    else:
        top = tidy(top)
        divisor = function("select", top, top, 1.0)  # computed where it is not chosen, too
        value = function("select", top, tidy(ratio) / divisor, 1.0)
    return substitute(function("max", value, 0.0), from_eta)


def _coincident(kappa: Node) -> Node:
    """The value at rho = 1."""
    values = {sympy_symbol("rho"): 1, sympy_symbol("mu"): 0}
    return from_sympy(to_sympy(kappa).subs(values))


def derivative(form: Node, name: str) -> Node:
    """d form / d name, where `mu` = 1 - |rho|, rearranged as `cheapest` does."""
    variable = sympy_symbol(name)
    rates: dict[Any, Any] = {}
    if name == "rho":
        rates[sympy_symbol("mu")] = Select(variable, -1, 1)
    numbers = opaque_numbers(form)
    known: dict[Node, Any] = dict(numbers)
    for node, parent in _opaque(form, name):
        opaque = sympy.Symbol(f"part{len(known)}", real=True, positive=parent == "sqrt" or None)
        if parent == "angle":
            rates[opaque] = _rate_of_angle(node, variable, known, numbers)
        elif parent:
            rates[opaque] = _total(to_sympy(node, known), variable, rates)
        known[node] = opaque
    expression = _total(to_sympy(form, known), variable, rates)
    return cheapest(expression, {opaque: node for node, opaque in known.items()})


def _opaque(form: Node, name: str) -> Iterator[tuple[Node, str]]:
    """What SymPy need not look into, arguments first, each with a word about it: arguments of
    functions (the function), angles of a triangle atan2(y, sqrt(x)) ("angle"), and whole
    expressions in which the variable does not occur ("").
    """
    nodes = list(topological((form,)))
    moving: set[Node] = set()
    for node in nodes:
        leaf = node.op == "symbol" and node.attr("name") in (name, "mu")
        if leaf or not moving.isdisjoint(node.args):
            moving.add(node)
    kinds: dict[Node, str] = {}
    for node in (node for node in nodes if node in moving):
        for part in node.args:
            if part in moving and part.args and node.op in _FUNCTIONS:
                kinds[part] = "sqrt" if node.op == "sqrt" else kinds.get(part, node.op)
            elif part not in moving and part.args:
                kinds[part] = ""
        if node.op == "atan2" and node.args[1].op == "sqrt":
            kinds[node] = "angle"
    yield from ((node, kinds[node]) for node in nodes if node in kinds)


_FUNCTIONS = frozenset({"sqrt", "inv_sqrt", "exp", "expm1", "log", "sin", "cos", "asin"})


def _rate_of_angle(
    node: Node, variable: Any, known: dict[Node, Any], numbers: dict[Node, Any]
) -> Any:
    """d atan2(y, sqrt(x)) = (y' x - y x'/2) / ((x + y^2) sqrt(x)).

    The quotient is a rational function whose numerator often contains the factor x + y^2,
    which only shows when x is spelled out.
    """
    y, x = (to_sympy(part, numbers) for part in (node.args[0], node.args[1].args[0]))
    numerator = sympy.diff(y, variable) * x - y * sympy.diff(x, variable) / 2
    return sympy.factor(numerator / (x + y**2)) / sympy.sqrt(known[node.args[1].args[0]])


def _total(expression: Any, variable: Any, rates: dict[Any, Any]) -> Any:
    """The total derivative where the symbols in `rates` depend on the variable."""
    result = sympy.diff(expression, variable)
    for dependent, rate in rates.items():
        result += sympy.diff(expression, dependent) * rate
    return result
