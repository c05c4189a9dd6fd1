"""Replace the recursion through a network's depth by one function of the angle, fitted once.

    ntk = (sqrt(k11) sqrt(k22)) * f(gram_complement)
        becomes
    ntk = (sqrt(k11) sqrt(k22)) * (f(0) - P(gram_complement)/Q(gram_complement))

Where every variance is a number (normalized inputs), or a factor that stands outside of the
whole (homogeneous activations without bias), what is left of a root depends on one number, the
angle theta between the inputs: 1 - cos(theta) is the complement they begin with. However many
layers there are, that function is fitted by one quotient, series or table (`ntkc.passes.angle`). A
function that is not met to a few roundings stays as it was, and so does one that is cheaper than
its fit. Preserves every root to within the certificate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from ntkc.ir.cost import itemsize, work
from ntkc.ir.module import Module
from ntkc.ir.node import Node, Varies, const, is_const, topological, with_args
from ntkc.ir.octaves import Octaves
from ntkc.passes.angle import CERTIFIED, NO_MORE_DIGITS, fit
from ntkc.passes.truth import Fit

_TRIED = {"float64": 160, "float32": 95}
"""Flops of a recursion from which on a fit is tried: for less, a recursion that can be read is
worth more than what a fit gains."""
_GAIN = 0.7
"""Of the flops at most, for the same reason."""
_TABLE, _ROOM = 24 * 1024, 48 * 1024
"""Bytes of a table, and of all of a module: for the nearest of a processor's caches, and for the 64
KiB of constants that a program of a CUDA device may have."""


@dataclass(frozen=True)
class Collapsed:
    """A root whose depth is gone: its fit, and the flops of a pair before and after."""

    root: str
    fit: Fit
    before: int
    after: int


def collapse(module: Module, dtype: str) -> Module:
    """The module with every root that depends on the angle alone as one function of it."""
    roots = dict(module.roots)
    for found in collapsible(module, dtype):
        roots[found.root] = _replaced(module.roots[found.root], found.fit)
    return module.with_roots(roots, module.spans)


def collapsible(module: Module, dtype: str) -> Iterable[Collapsed]:
    """The roots of pairs that a fit serves better than the recursion."""
    room = _ROOM
    for name, root in module.roots.items():
        _, core = _split(root)
        if core is None:
            continue
        before = work(topological((core,))).flops
        if before < _TRIED[dtype]:
            continue
        fitted = fit(core, dtype, min(room, _TABLE))
        order = list(topological((fitted.form,)))
        after = work(order).flops
        if fitted.error <= CERTIFIED[dtype] and after <= _GAIN * before:
            room -= itemsize(dtype) * sum(Octaves.of(n).size for n in order if n.op == "octaves")
            yield Collapsed(name, fitted, before, after)


def reason(module: Module, name: str) -> str:
    """Why a root depends on more than the angle, for a person; "" where it does not."""
    single, core = _split(module.roots[name])
    if core is not None:
        names = sorted({node.op for node in topological((core,))} & NO_MORE_DIGITS)
        return f"`{names[0]}` is known in float64 alone, no truth to hold a fit to" if names else ""
    nodes = list(topological((module.roots[name],)))
    parameters = [n.attr("name") for n in nodes if n.op == "param" and n not in single]
    if parameters:
        return f"the parameter `{parameters[0]}` is known when the kernel is called"
    if any(node.op == "product" for node in nodes):
        return "it is shallow and smooth, and starts from covariances"
    return "the variances of its layers differ from input to input"


Factored = tuple[tuple[Node, ...], Node]
"""What varies over one input or none, in the order of identities, and what it multiplies."""


def _split(root: Node) -> tuple[tuple[Node, ...], Node | None]:
    """The factors of a root that do not depend on the angle, and the rest, which depends on the
    complement alone; None for that where the root is no such product.
    """
    known: dict[Node, Factored | None] = {}
    for node in topological((root,)):
        known[node] = _factored(node, [known[a] for a in node.args])
    found = known[root]
    return ((), None) if found is None else found


def _factored(node: Node, args: list[Factored | None]) -> Factored | None:
    """Factors are gathered from products, and stand before sums whose terms share them all."""
    if is_const(node) or node.op == "gram_complement":
        return (), node
    found = [arg for arg in args if arg is not None]
    if node.op == "mul" and len(found) == 2:
        (left, x), (right, y) = found
        return tuple(sorted((*left, *right), key=id)), _times(x, y)
    if node.varies is not Varies.CROSS:
        return (node,), _ONE
    if not args or len(found) < len(args):
        return None
    singles = {factors for factors, _ in found}
    if len(singles) > 1 or (singles != {()} and node.op not in ("add", "sub", "neg", "carry")):
        return None
    return singles.pop(), with_args(node, tuple(core for _, core in found))


_ONE = const(1.0)


def _times(x: Node, y: Node) -> Node:
    return y if x is _ONE else x if y is _ONE else x * y


def _replaced(root: Node, fitted: Fit) -> Node:
    single, _ = _split(root)
    ordered = sorted(single, key=lambda node: (node.varies is Varies.COL, node.varies))
    return reduce(_times, [*ordered, fitted.form], _ONE)
