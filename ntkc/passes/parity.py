"""Networks that are odd: k(x, -z) = -k(x, z), as those of `erf`, `sin` or `tanh` without bias.

There a pair beyond a right angle is minus the pair of x and -z, whose complement is 2 - eta. A deep
network magnifies what 2 - eta has lost to rounding until nothing of its kernel is left.
"""

from __future__ import annotations

import math

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import DualForms, Module
from ntkc.ir.node import Node, Varies, is_const, topological

_POINTS = ((0.3, 1.1, 0.7), (-0.05, 0.2, 2.5), (0.9, 1.0, 1.0))
"""c, p, q at which a form's parity is told."""


def is_odd(module: Module) -> bool:
    """Whether every kernel of pairs changes its sign with one input's, as far as its form tells."""
    known: dict[Node, int | None] = {}
    for node in topological(module.roots.values()):
        known[node] = _parity(node, known, module) if node.varies is Varies.CROSS else 1
    pairs = [root for root in module.roots.values() if root.varies is Varies.CROSS]
    return bool(pairs) and all(known[root] == -1 for root in pairs)


def _parity(node: Node, known: dict[Node, int | None], module: Module) -> int | None:
    """1 for even, -1 for odd, None for neither or what is not known to be."""
    given = [known[arg] for arg in node.args]
    if node.op == "gram":
        return -1
    if node.op in ("add", "sub"):
        told = {p for p, arg in zip(given, node.args, strict=True) if not _vanishes(arg)}
        return told.pop() if len(told) == 1 else None
    if node.op in ("mul", "div"):
        return None if None in given else math.prod(p for p in given if p is not None)
    if node.op in ("dual", "dual_dot") and given[0] == -1:
        forms = module.activations[node.attr("activation")]
        return _of_form(forms, node.op == "dual_dot", node.args[3:])
    return None


def _vanishes(node: Node) -> bool:
    """Whether it is 0, whatever the inputs."""
    return is_const(node, 0.0) or (node.op == "mul" and any(map(_vanishes, node.args)))


def _of_form(forms: DualForms, slope: bool, arguments: tuple[Node, ...]) -> int | None:
    if not all(map(is_const, arguments)):
        return None
    numbers = {n: a.attr("value") for n, a in zip(forms.parameters, arguments, strict=True)}
    form = forms.dual_dot if slope else forms.dual
    told = set()
    for c, p, q in _POINTS:
        sides = ({"c": s * c, "p": p, "q": q, **numbers} for s in (1, -1))
        one, other = (float(evaluate([form], side)[0]) for side in sides)  # may be infinite
        size = 1e-13 * max(abs(one), abs(other))
        told.add(1 if abs(one - other) <= size else -1 if abs(one + other) <= size else None)
    return told.pop() if len(told) == 1 else None
