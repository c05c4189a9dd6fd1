"""Segments: runs of operations that map a displacement slice to itself.

Within a segment every value of displacement δ / f is made from values of the segment's own
displacement δ: pointwise operations and windows do that (f counts the strides on the way). What
mixes displacements ends a segment: its result is gathered in a *store*, slice by slice, and the
next segment starts from there. Two values of one segment can meet pointwise only where their f
agree; windows that wrap around and windows that do not cannot share an axis of a segment, nor can
rings of two lengths; and a stride needs a segment all of whose displacements are its multiples.
Wherever one of these rules would be broken, `legalise` puts a store between, as an `embed` that
moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ntkc.ir.node import Node, Space, make, with_args
from ntkc.schedule.slices.demand import Displacements, demand, of_pairs

PUSHES = ("pool", "spread", "embed", "same_position")
REDUCTIONS = ("sum_positions", "mean_diagonal")
Factor = tuple[int, ...]
OPEN, WRAPPED = "open", "wrapped"


@dataclass(frozen=True)
class Place:
    """Where a value of positions lives: its segment, and δ of the segment over its own δ."""

    segment: int
    factor: Factor


@dataclass(frozen=True)
class Segments:
    """A network's values on positions, cut into segments.

    `modes` says for each axis of each segment whether displacements are whole numbers (`open`) or
    classes of them that wrap around (`wrapped`); `displacements` are the segments' own.
    """

    roots: tuple[Node, ...]
    places: Mapping[Node, Place]
    modes: tuple[tuple[str, ...], ...]
    displacements: tuple[Displacements, ...]
    demand: Mapping[Node, Displacements]


def legalise(roots: Sequence[Node]) -> Segments:
    """The segments of the values below `roots`, with stores put in where they are needed."""
    apart: set[Node] = set()
    for _ in range(1000):
        cutter = _Cutter(apart)
        made = tuple(cutter.value(root) for root in roots)
        needed = demand(made)
        found = _finished(made, cutter, needed)
        broken = {
            cutter.origin[node]
            for node, place in found.places.items()
            if node.op == "window" and not _divides(place, found)
        }
        if not broken:
            return found
        apart |= broken
    raise AssertionError("stores do not settle")


def _divides(place: Place, found: Segments) -> bool:
    axes = found.displacements[place.segment]
    return all(d % f == 0 for axis, f in zip(axes, place.factor, strict=True) for d in axis)


def _finished(
    roots: tuple[Node, ...], cutter: _Cutter, needed: Mapping[Node, Displacements]
) -> Segments:
    places = {n: cutter.places[n] for n in of_pairs(roots) if n in cutter.places}
    count = 1 + max((place.segment for place in places.values()), default=-1)
    axes: list[list[set[int]]] = [[] for _ in range(count)]
    lengths: list[list[int]] = [[] for _ in range(count)]
    taken: set[tuple[int, int, int, int]] = set()
    for node, place in places.items():
        own = axes[place.segment] = axes[place.segment] or [set() for _ in node.space]
        lengths[place.segment] = lengths[place.segment] or [0] * len(node.space)
        for a, (displacements, factor) in enumerate(zip(needed[node], place.factor, strict=True)):
            seen = (place.segment, a, id(displacements), factor)  # most values share theirs
            if seen not in taken:
                taken.add(seen)
                own[a].update(d * factor for d in displacements)
            lengths[place.segment][a] = max(lengths[place.segment][a], node.space[a] * factor)
    modes = tuple(
        tuple(cutter.modes.get((s, a), OPEN) for a in range(len(axes[s]))) for s in range(count)
    )
    return Segments(
        roots,
        places,
        modes,
        tuple(
            tuple(
                tuple(sorted({d % length for d in own} if mode == WRAPPED else own))
                for own, mode, length in zip(axes[s], modes[s], lengths[s], strict=True)
            )
            for s in range(count)
        ),
        needed,
    )


class _Cutter:
    """Rebuilds values bottom-up, noting the place of each; `apart` must begin a segment."""

    def __init__(self, apart: Iterable[Node]) -> None:
        self.places: dict[Node, Place] = {}
        self.modes: dict[tuple[int, int], str] = {}
        self.origin: dict[Node, Node] = {}
        self._apart = frozenset(apart)
        self._closed: set[int] = set()
        """Segments of a window apart: nobody else's displacements may get in."""

        self._lengths: dict[tuple[int, int], set[int]] = {}
        """Of the values in a segment, axis by axis, in steps of its own displacements."""

        self._done: dict[Node, Node] = {}

    def value(self, root: Node) -> Node:
        for node in of_pairs((root,)):
            if node in self._done:
                continue
            args = [self._done.get(a, a) for a in node.args]
            self._done[node] = made = self._made(node, args)
            self.origin.setdefault(made, node)
        return self._done.get(root, root)

    def _made(self, node: Node, args: list[Node]) -> Node:
        if node.op in ("gram", "gram_distance") and node.space:
            return self._put(node, Place(0, (1,) * len(node.space)))
        if node.op in REDUCTIONS or not node.space:
            return with_args(node, tuple(args))
        if node.op in PUSHES:
            behind = self._open(self.places[args[0]].segment + 1, node.space)
            return self._pushed(with_args(node, tuple(args)), behind)
        if node.op == "window":
            return self._window(node, args[0])
        return self._pointwise(node, args)

    def _put(self, made: Node, place: Place) -> Node:
        self.places[made] = place
        for axis, (size, factor) in enumerate(zip(made.space, place.factor, strict=True)):
            self._lengths.setdefault((place.segment, axis), set()).add(size * factor)
        return made

    def _open(self, segment: int, space: Space) -> int:
        """The first segment from this one on that takes stores of a space."""
        while segment in self._closed or any(
            self.modes.get((segment, axis)) == WRAPPED and {size} != self._lengths[segment, axis]
            for axis, size in enumerate(space)
        ):
            segment += 1
        return segment

    def _pushed(self, made: Node, segment: int) -> Node:
        if made in self.places:
            return made
        return self._put(made, Place(segment, (1,) * len(made.space)))

    def _window(self, node: Node, arg: Node) -> Node:
        place = self.places[arg]
        if node in self._apart or not self._suits(node, place.segment):
            segment = 1 + max(other.segment for other in self.places.values())
            if node in self._apart:
                self._closed.add(segment)
            arg = self._pushed(_store(arg, segment), segment)
            place = self.places[arg]
        mode = WRAPPED if node.attr("circular") else OPEN
        for axis in moved(node):
            self.modes[place.segment, axis] = mode
        made = with_args(node, (arg,))
        strides = node.attr("stride")
        factor = tuple(f * s for f, s in zip(place.factor, strides, strict=True))
        return self._put(made, Place(place.segment, factor))

    def _suits(self, node: Node, segment: int) -> bool:
        """Whether a window's segment can have its mode, along the axes that it moves along."""
        mode = WRAPPED if node.attr("circular") else OPEN
        return all(
            self.modes.get((segment, axis), mode) == mode
            and (mode == OPEN or len(self._lengths[segment, axis]) == 1)
            for axis in moved(node)
        )

    def _pointwise(self, node: Node, args: list[Node]) -> Node:
        placed = {a: self.places[a] for a in args if a in self.places}
        if not placed:  # a product of values of one input each: formed where it is used
            return with_args(node, tuple(args))
        if len(set(placed.values())) > 1:
            highest = max(place.segment for place in placed.values())
            ones = (1,) * len(node.space)
            target = Place(highest, ones)
            if any(p.segment == highest and p.factor != ones for p in placed.values()):
                target = Place(self._open(highest + 1, node.space), ones)
            args = [
                a
                if placed.get(a, target) == target
                else self._pushed(_store(a, target.segment), target.segment)
                for a in args
            ]
            placed = {a: self.places[a] for a in args if a in self.places}
        return self._put(with_args(node, tuple(args)), next(iter(placed.values())))


def moved(node: Node) -> list[int]:
    """The axes along which a window is more than one cell, or not in step with its input."""
    space = node.args[0].space
    return [
        axis
        for axis, size in enumerate(node.attr("size"))
        if size > 1
        or node.attr("before")[axis]
        or node.attr("out")[axis] * node.attr("stride")[axis] != space[axis]
    ]


def _store(node: Node, segment: int) -> Node:
    """A value as it is, for one segment alone: others need it at displacements of their own."""
    return make("embed", node, out=node.space, start=(0,) * len(node.space), segment=segment)
