"""The cells of a plane as a thread goes through them: where each is, and which positions meet.

A thread carries a strip of cells along the last axis but one. Names that stand ready: `first` (its
number in its pack), `base` (its pack's slots), `w{a}` (the pack's displacement along axis a).
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

    def loop(self, body: list[str]) -> list[str]:
        """The thread's strips."""
        units, threads = self.where.units(self.geometry), self.where.threads
        head = "if first < " if units <= threads else "for unit in range(first, "
        head += f"{units}:" if units <= threads else f"{units}, {threads}):"
        name = ["unit = first"] if units <= threads else []
        return [head, *indented([*name, *self._places(), *body])]

    def _places(self) -> list[str]:
        space, strip = self.geometry.space, self.where.strip
        rank, axis = len(space), self.strip_axis
        strips = -(-space[axis] // strip)
        lines = [f"p{rank - 1} = unit % {space[-1]}", f"rest = unit // {space[-1]}"]
        lines.append(f"p{axis} = rest % {strips} * {strip}")
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
            text = f"({text}) * {size} + {at}" if text else at
        return text

    def place(self, slot: int, r: int) -> str:
        """Where a cell is in its slot."""
        pitches = self.where.pitches
        fixed = self.where.origin(slot) + r * pitches[self.strip_axis]
        parts = [f"p{a} * {pitch}" if pitch > 1 else f"p{a}" for a, pitch in enumerate(pitches)]
        return f"base + {' + '.join(parts)} + {fixed}"

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
