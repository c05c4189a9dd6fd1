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
from itertools import islice
from typing import Final

from ntkc.diagnostics import Diagnostic, Kind, Label, ProgramError, Span
from ntkc.ir.node import Node, Varies, topological, with_args

Displacements = tuple[tuple[int, ...], ...]
"""For each axis the sorted displacements that are needed."""


MAX_DISPLACEMENTS: Final = 2**20
"""How many displacements an axis can be needed at: each is a slice, and an entry of tables."""


class TooManyDisplacementsError(Exception):
    """Carries the value that needs its argument at more displacements than there can be."""

    def __init__(self, node: Node) -> None:
        self.node = node
        super().__init__(node)

    def told(self, spans: Mapping[Node, Span]) -> ProgramError:
        """The error as a message about the program."""
        span = spans.get(self.node)
        return ProgramError(
            (
                Diagnostic(
                    "E0508",
                    "the positions of an axis are compared with more than "
                    f"{MAX_DISPLACEMENTS // 2:,} others each",
                    None if span is None else Label(span, "on the way to this"),
                    help=("make the axis shorter before: pool in windows, or take strides",),
                    kind=Kind.LIMITATION,
                ),
            )
        )


def every(size: int) -> tuple[int, ...]:
    """All displacements of an axis."""
    return tuple(range(1 - size, size))


def demand(roots: Iterable[Node]) -> Mapping[Node, Displacements]:
    """The displacements at which each CROSS value below `roots` is needed.

    Roots that have positions themselves are needed at δ = 0, as an input's own variances are.
    Raises `TooManyDisplacementsError`.
    """
    roots = tuple(roots)
    order = list(of_pairs(roots))
    found: dict[Node, _Axes] = {}
    for root in roots:
        _note(found, root, tuple(_ZERO for _ in root.space))
    for node in reversed(order):
        if node.op == "own" or node not in found:
            continue
        for arg in node.args:
            if arg.varies is Varies.CROSS:
                _note(found, arg, needed(node, found[node]) if arg.space else ())
    ordered: dict[frozenset[int], tuple[int, ...]] = {}  # most values share their sets
    for axis in (axis for axes in found.values() for axis in axes):
        if axis not in ordered:
            ordered[axis] = tuple(sorted(axis))
    return {node: tuple(ordered[axis] for axis in axes) for node, axes in found.items()}


_Axes = tuple[frozenset[int], ...]
_ZERO: Final = frozenset({0})


def _note(found: dict[Node, _Axes], node: Node, axes: _Axes) -> None:
    inside = tuple(map(_within, axes, node.space))
    known = found.get(node, inside)
    found[node] = tuple(
        have if more <= have else have | more for have, more in zip(known, inside, strict=True)
    )


def _within(axis: frozenset[int], size: int) -> frozenset[int]:
    """The displacements that there are on an axis of this size: the same set, if all are."""
    if not axis or (max(axis) < size and min(axis) > -size):
        return axis
    return frozenset(d for d in axis if abs(d) < size)


def needed(node: Node, own: _Axes) -> _Axes:
    """The displacements of its argument that a value needs, for its own displacements."""
    space = node.args[0].space
    if node.op == "sum_positions":
        return tuple(_bounded(node, range(1 - size, size)) for size in space)
    if node.op in ("mean_diagonal", "same_position"):
        return tuple(_ZERO for _ in space)
    if node.op == "window":
        return tuple(
            axis
            if stride == 1 and not node.attr("circular")
            else frozenset(
                w for d in axis for w in _wrapped(stride * d, size, node.attr("circular"))
            )
            for axis, stride, size in zip(own, node.attr("stride"), space, strict=True)
        )
    if node.op == "spread":
        return tuple(
            frozenset(d // stride for d in axis if d % stride == 0)
            for axis, stride in zip(own, node.attr("stride"), strict=True)
        )
    if node.op == "pool":
        return tuple(
            _bounded(
                node,
                (
                    w
                    for d in _around([stride * d for d in axis], size - 1)
                    for w in _wrapped(d, length, node.attr("circular"))
                ),
            )
            for axis, stride, size, length in zip(
                own, node.attr("stride"), node.attr("size"), space, strict=True
            )
        )
    return own


def _bounded(node: Node, displacements: Iterable[int]) -> frozenset[int]:
    found = frozenset(islice(displacements, 2 * MAX_DISPLACEMENTS + 1))
    if len(found) > MAX_DISPLACEMENTS:
        raise TooManyDisplacementsError(node)
    return found


def _around(centres: Iterable[int], reach: int) -> Iterator[int]:
    """All that is at most `reach` from a centre, each once."""
    begin: int | None = None
    for centre in sorted(centres):
        first = centre - reach if begin is None else max(begin, centre - reach)
        begin = centre + reach + 1
        yield from range(first, begin)


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
