"""The cells of a plane as a thread goes through them: where each is, and which positions meet.

A thread carries a strip of cells along the last axis but one: a *unit* of its pack. Names that
stand ready: `unit`, or `first` (the thread's number in its pack) where it carries one unit at most,
and `w{a}`, the pack's displacement along axis a.
"""

from __future__ import annotations

from dataclasses import dataclass

from ntkc.backends.statements import indented
from ntkc.schedule.slices.packs import Block
from ntkc.schedule.slices.program import Geometry


@dataclass(frozen=True)
class Cells:
    """The cells of a geometry: how a thread goes through them, and what it knows of each."""

    where: Block
    geometry: Geometry

    @property
    def strip_axis(self) -> int:
        """The axis along which a thread's cells lie."""
        return len(self.geometry.space) - 2

    @property
    def single(self) -> bool:
        """Whether a thread carries one unit at most, whatever the step: always the same cells."""
        return self.where.units(self.geometry) <= self.where.threads

    @property
    def unit(self) -> str:
        """The name of the unit at hand, within `loop`."""
        return "first" if self.single else "unit"

    def loop(self, body: list[str]) -> list[str]:
        """The body, for each of the thread's units."""
        units, threads = self.where.units(self.geometry), self.where.threads
        if units == threads:
            return body
        if self.single:
            return [f"if first < {units}:", *indented(body)]
        return [f"for unit in range(first, {units}, {threads}):", *indented(body)]

    def places(self, unit: str = "unit") -> list[str]:
        """Lines that find the positions p of x₁ and q of x₂ at a unit's cells."""
        space, strip = self.geometry.space, self.where.strip
        rank, axis = len(space), self.strip_axis
        strips = -(-space[axis] // strip)
        lines = [f"p{rank - 1} = {unit} % {space[-1]}", f"rest = {unit} // {space[-1]}"]
        lines.append(_scaled(f"p{axis} = rest % {strips}", strip))
        if axis:
            lines.append(f"rest = rest // {strips}")
        for outer in reversed(range(axis)):
            lines.append(f"p{outer} = rest % {space[outer]}")
            if outer:
                lines.append(f"rest = rest // {space[outer]}")
        for other in range(rank):
            if other != axis:
                lines += self._partner(f"q{other}", other, f"p{other}")
        for r in range(strip):
            lines += self._partner(f"q{axis}_{r}", axis, f"p{axis} + {r}" if r else f"p{axis}")
        return lines

    def _partner(self, name: str, axis: int, cell: str) -> list[str]:
        """The position of x₂ that a position of x₁ meets."""
        modulus, factor = self.where.packs.modulus(self.geometry, axis), self.geometry.factor[axis]
        if modulus == 1:
            return [f"{name} = 0"]
        e = f"w{axis}" if factor == 1 else f"w{axis} // {factor}"
        return [
            f"{name} = {cell} + {e}",
            f"{name} = {name} - {modulus} * ({name} >= {modulus})",
        ]

    @property
    def ragged(self) -> bool:
        """Whether a strip may end outside of the image."""
        return self.geometry.space[self.strip_axis] % self.where.strip != 0

    def p(self, axis: int, r: int) -> str:
        """The position of x₁, where there may be none too."""
        return f"p{axis} + {r}" if axis == self.strip_axis and r else f"p{axis}"

    def q(self, axis: int, r: int) -> str:
        """The position of x₂, where there may be none too."""
        return f"q{axis}_{r}" if axis == self.strip_axis else f"q{axis}"

    def number(self, r: int, column: bool) -> str:
        """The number of a cell's position among all of an input's; of any where there is none."""
        text = ""
        for axis, size in enumerate(self.geometry.space):
            at = self.q(axis, r) if column else self.p(axis, r)
            void = self.where.packs.modulus(self.geometry, axis) > size
            if (void and column) or (self.ragged and axis == self.strip_axis):
                at = f"min({at}, {size - 1})"
            text = f"{_product(text, size)} + {at}" if text else at
        return text

    def start(self, slot: int) -> str:
        """Where a slot's first cell is."""
        origin = self.where.origin(slot)
        return f"base + {origin}" if origin else "base"

    def place(self, start: str, r: int) -> str:
        """Where a cell is in a slot whose first cell is at `start`."""
        pitches = self.where.pitches
        fixed = r * pitches[self.strip_axis]
        parts = [_product(f"p{a}", pitch) for a, pitch in enumerate(pitches)]
        return " + ".join([start, *parts, *([str(fixed)] if fixed else [])])

    def inside(self, r: int) -> str | None:
        """Whether a strip's cell is in the image; None where it always is."""
        axis = self.strip_axis
        return f"p{axis} + {r} < {self.geometry.space[axis]}" if self.ragged else None

    def live(self, r: int) -> str | None:
        """Whether a cell is one of a slice that is needed; None where every cell is."""
        conditions = []
        for axis, size in enumerate(self.geometry.space):
            if self.where.packs.modulus(self.geometry, axis) > size:
                conditions.append(f"({self.q(axis, r)} < {size})")
            if not self.where.packs.full(axis):
                p, q = self.p(axis, r), self.q(axis, r)
                conditions.append(f"(first{axis} & ({q} >= {p}) | second{axis} & ({q} < {p}))")
        return " & ".join(conditions) or None


def _product(text: str, factor: int) -> str:
    """A number of positions times a pitch."""
    return _scaled(f"({text})" if " " in text and factor != 1 else text, factor)


def _scaled(text: str, factor: int) -> str:
    return text if factor == 1 else f"{text} * {factor}"


def who(where: Block) -> tuple[str, ...]:
    """The names that say what a thread works on, which routines are given."""
    axes = range(len(where.dims))
    flags = [f"{name}{a}" for a in axes if not where.packs.full(a) for name in ("first", "second")]
    return (*(f"w{a}" for a in axes), *flags)
