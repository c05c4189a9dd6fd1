"""Demand analysis: at which displacements each value is needed, axis by axis.

An entry Σ[p, p'] with displacement δ = p' − p interacts through convolutions and activations with
entries of the same δ alone (of multiples, where strides are). Walking backward from the output:

- `mean_diagonal` (flatten) needs δ = 0, `sum_positions` (global pooling) every δ;
- a window of stride s needs sδ (and what wraps around, where the padding is circular);
- a pool of size k and stride s needs sδ − (k − 1) … sδ + (k − 1);
- `spread` (transposed convolution) needs δ / s where that is whole.

The set of a value is the union over its uses, on each axis for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ntkc.ir.node import Node, Varies, topological, with_args

Displacements = tuple[tuple[int, ...], ...]
"""For each axis the sorted displacements that are needed."""


def every(size: int) -> tuple[int, ...]:
    """All displacements of an axis."""
    return tuple(range(1 - size, size))


def demand(roots: Iterable[Node]) -> Mapping[Node, Displacements]:
    """The displacements at which each CROSS value below `roots` is needed.

    Roots that have positions themselves are needed at δ = 0, as an input's own variances are.
    """
    roots = tuple(roots)
    order = list(of_pairs(roots))
    found: dict[Node, list[set[int]]] = {}
    for root in roots:
        _note(found, root, [{0} for _ in root.space])
    for node in reversed(order):
        if node.op == "own" or node not in found:
            continue
        for arg in node.args:
            if arg.varies is Varies.CROSS:
                axes = needed(node, found[node]) if arg.space else []
                _note(found, arg, [set(axis) for axis in axes])
    return {node: tuple(tuple(sorted(axis)) for axis in axes) for node, axes in found.items()}


def _note(found: dict[Node, list[set[int]]], node: Node, axes: list[set[int]]) -> None:
    known = found.setdefault(node, [set() for _ in node.space])
    for have, more, size in zip(known, axes, node.space, strict=True):
        have.update(d for d in more if abs(d) < size)


def needed(node: Node, own: Iterable[Iterable[int]]) -> list[set[int]]:
    """The displacements of its argument that a value needs, for its own displacements."""
    space = node.args[0].space
    if node.op == "sum_positions":
        return [set(every(size)) for size in space]
    if node.op in ("mean_diagonal", "same_position"):
        return [{0} for _ in space]
    if node.op == "window":
        return [
            {w for d in axis for w in _wrapped(stride * d, size, node.attr("circular"))}
            for axis, stride, size in zip(own, node.attr("stride"), space, strict=True)
        ]
    if node.op == "spread":
        return [
            {d // stride for d in axis if d % stride == 0}
            for axis, stride in zip(own, node.attr("stride"), strict=True)
        ]
    if node.op == "pool":
        return [
            {
                w
                for d in axis
                for shift in range(1 - size, size)
                for w in _wrapped(stride * d + shift, length, node.attr("circular"))
            }
            for axis, stride, size, length in zip(
                own, node.attr("stride"), node.attr("size"), space, strict=True
            )
        ]
    return [set(axis) for axis in own]


def _wrapped(displacement: int, size: int, circular: bool) -> tuple[int, ...]:
    if not circular:
        return (displacement,)
    return (displacement % size, displacement % size - size)


def undisplaced(roots: Sequence[Node]) -> tuple[Node, ...]:
    """The same values, a `where_same` that is needed at p = p' alone being its first argument."""
    found = demand(roots)
    done: dict[Node, Node] = {}
    for node in of_pairs(roots):
        args = tuple([done.get(a, a) for a in node.args])
        if node.op == "where_same" and all(set(axis) <= {0} for axis in found.get(node, ())):
            done[node] = args[0]
        else:
            done[node] = with_args(node, args)
    return tuple(done.get(root, root) for root in roots)


class _Singles:
    """All values that are none of pairs."""

    def __contains__(self, node: object) -> bool:
        return isinstance(node, Node) and node.varies is not Varies.CROSS


def of_pairs(roots: Iterable[Node]) -> Iterator[Node]:
    """The CROSS values below the roots, arguments first; none below an input's `own`, which
    other functions compute.
    """
    return topological(roots, _Singles())


def entries(node: Node, needed: Displacements) -> int:
    """How many entries of a pair a value is needed at."""
    count = 1
    for axis, size in zip(needed, node.space, strict=True):
        count *= sum(size - abs(d) for d in axis)
    return count
