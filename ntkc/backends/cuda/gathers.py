"""How a segment's slots are filled from the slices that the segment before left in the workspace.

A complete slice is left as it is, in the pack that it belongs to; what mixes displacements is a
gathering of the reader's, so that no two threads ever add to one number, and every sum has one
order. Entry (p, q) of a value with classes modulo P lies in pack (f · (q − p)) mod P, at cell p.
"""

from __future__ import annotations

from math import prod

from ntkc.backends.statements import indented
from ntkc.ir.node import Node
from ntkc.ir.positions import cells
from ntkc.schedule.slices.packs import Packs
from ntkc.schedule.slices.program import Geometry


class Gather:
    """The function that makes one entry of a store; `name` begins the names of its tables."""

    def __init__(
        self, node: Node, source: Geometry, packs: Packs, name: str, dtype: str, zero: str
    ) -> None:
        self.node, self.source, self.packs = node, source, packs
        self.name, self.dtype, self.zero = name, dtype, zero
        self.rank = len(node.space)
        self.tables: list[str] = []
        for axis in range(self.rank):
            own = {w: number for number, w in enumerate(packs.classes[axis])}
            found = [own.get(w, -1) for w in range(packs.moduli[axis])]
            self.tables.append(f"{name}_CLASS_{axis} = np.array({found!r}, dtype=np.int64)")
        if self._divide == "inside":
            self._inside()

    @property
    def _divide(self) -> str:
        return str(self.node.attr("divide")) if self.node.op == "pool" else "none"

    @property
    def size(self) -> int:
        """Numbers that the source leaves in the workspace for a pair."""
        return self.packs.count * prod(self.source.space)

    def _inside(self) -> None:
        """Shares of the cells inside of the image, by position of the result."""
        for axis in range(self.rank):
            counts = (cells(self.node, axis, self.source.space[axis]) >= 0).sum(axis=1)
            values = [1.0 / float(c) for c in counts]
            self.tables.append(
                f"{self.name}_INSIDE_{axis} = np.array({values!r}, dtype=np.{self.dtype})"
            )

    def lines(self) -> list[str]:
        """A function's body: the entry at (p, q), from what is left at `start` in `stores`."""
        lines, depth = [f"value = {self.zero}"], 0
        for axis in range(self.rank):
            given, depth = self._axis(axis, f"p{axis}", f"q{axis}", depth)
            lines += given
        pack = cell = ""
        for axis in range(self.rank):
            count, size = len(self.packs.classes[axis]), self.source.space[axis]
            pack = f"({pack}) * {count} + c{axis}" if pack else f"c{axis}"
            cell = f"({cell}) * {size} + a{axis}" if cell else f"a{axis}"
        at = f"start + ({pack}) * {prod(self.source.space)} + {cell}"
        lines += indented([f"value += stores[u64({at})]"], depth)
        return [*lines, *self._scaled(), "return value"]

    def _axis(self, axis: int, p: str, q: str, depth: int) -> tuple[list[str], int]:
        """Loops and conditions that bind a (in x₁) and c (the class) of an axis."""
        node = self.node
        lines: list[str] = []
        length, out = self.source.space[axis], node.space[axis]
        a, b, rule = f"a{axis}", f"b{axis}", f"0 <= a{axis} < {length} and 0 <= b{axis} < {length}"

        def add(*texts: str, deeper: bool = False) -> None:
            nonlocal depth
            lines.extend("    " * depth + text for text in texts)
            depth += deeper

        if node.op == "pool":
            size, stride, before = (node.attr(n)[axis] for n in ("size", "stride", "before"))
            add(f"for o{axis} in range({size}):", deeper=True)
            add(f"for u{axis} in range({size}):", deeper=True)
            for name, at, offset in ((a, p, "o"), (b, q, "u")):
                text = f"{at} * {stride} + {offset}{axis} - {before}"
                if node.attr("circular"):
                    text = f"({text} + {before * length}) % {length}"
                add(f"{name} = {text}")
        elif node.op == "spread":
            size, stride, before, dilation = (
                node.attr(n)[axis] for n in ("size", "stride", "before", "dilation")
            )
            add(f"for o{axis} in range({size}):", deeper=True)
            for name, at in ((a, p), (b, q)):
                add(f"{name} = {at} + {before} - o{axis} * {dilation}")
            if stride > 1:
                rule += f" and m{axis} % {stride} == 0 and n{axis} % {stride} == 0"
                add(f"m{axis} = {a}", f"n{axis} = {b}")
                # Below 0 nothing is taken: floor division keeps the sign.
                add(f"{a} = {a} // {stride}", f"{b} = {b} // {stride}")
        else:
            start = node.attr("start")[axis] if node.op == "embed" else 0
            add(f"{a} = {p} - {start}", f"{b} = {q} - {start}")
            if node.op == "same_position":
                rule += f" and a{axis} == b{axis}"
        rule += f" and {p} < {out} and {q} < {out}"
        add(f"if {rule}:", deeper=True)
        modulus, factor = self.packs.moduli[axis], self.source.factor[axis]
        difference = f"(b{axis} - a{axis})" + (f" * {factor}" if factor > 1 else "")
        add(f"c{axis} = {self.name}_CLASS_{axis}[({difference} + {modulus * factor}) % {modulus}]")
        add(f"if c{axis} >= 0:", deeper=True)
        return lines, depth

    def _scaled(self) -> list[str]:
        node = self.node
        scale = 1.0
        if self._divide == "size":
            scale = 1.0 / float(prod(node.attr("size"))) ** 2
        elif node.op == "spread":
            scale = 1.0 / float(prod(node.attr("size")))
        literal = f"F({scale!r})" if self.dtype == "float32" else repr(scale)
        if self._divide == "inside":
            shares = []
            for axis, size in enumerate(node.space):
                for at in (f"p{axis}", f"q{axis}"):
                    shares.append(f"{self.name}_INSIDE_{axis}[min({at}, {size - 1})]")
            return [f"value *= {share}" for share in shares]
        return [f"value *= {literal}"] if scale != 1.0 else []
