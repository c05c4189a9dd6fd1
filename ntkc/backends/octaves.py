"""The operation `octaves` as functions that generated modules carry: one for each table.

What it is: `ntkc.ir.octaves`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from hashlib import blake2b

from ntkc.ir.node import Node, topological
from ntkc.ir.octaves import Octaves

Writer = Callable[[Octaves, str], str]
"""Of a table's function, by its name."""
_LAYOUT = {"float64": (64, 52, 1023), "float32": (32, 23, 127)}
"""Bits of a number, those of its fraction, and what is added to its exponent."""

_ROWS = '''\
{name}_rows = np.array(
    [
{rows}
    ],
    dtype=np.{dtype},
)


{decorator}
def {name}(x):
    """A polynomial for each of {parts} parts of each octave from 2**{first} on: a row each."""
'''
_BY_BITS = """\
    low, high = F({low!r}), F({high!r})
    x = x if x > low else low
    x = x if x < high else high
    bits = bits_of_{dtype}(x)
    row = u64((bits >> U({kept})) - U({before})) * u64({width})
    place = (bits & U({mask:#x})) << U({bits})
    t = {dtype}_of_bits(place | U({one:#x})) - F(1.5)
"""
_BY_FRACTION = """\
    low, high = F({low!r}), F({high!r})
    x = cuda.selp(x > low, x, low)
    x = cuda.selp(x < high, x, high)
    fraction, exponent = math.frexp(x)
    place = (F(2.0) * F(fraction) - F(1.0)) * F({parts}.0)
    part = int(place)
    t = place - F(part) - F(0.5)
    row = u64((int(exponent) - {octave}) * {parts} + part) * u64({width})
"""


def digest(node: Node) -> str:
    """What tells a table from others."""
    found = blake2b(digest_size=6)
    found.update(repr((node.attr("first"), node.attr("bits"), node.attr("rows"))).encode())
    return found.hexdigest()


def functions(roots: Iterable[Node], dtype: str, write: Writer) -> dict[str, str]:
    """The functions of the tables that are read below the roots, by name."""
    tables = (node for node in topological(roots) if node.op == "octaves")
    found = {f"octaves_{dtype}_{digest(node)}": Octaves.of(node) for node in tables}
    return {name: write(table, name) for name, table in found.items()}


def by_bits(dtype: str, decorator: str) -> Writer:
    """For processors: the bits of a number say which row, and where in its part the number lies.
    Loops that call it become vectors, which gather a row's coefficients.
    """
    return lambda table, name: _text(_BY_BITS, table, name, dtype, decorator)


def by_fraction(dtype: str, decorator: str) -> Writer:
    """The same for threads of a device and what simulates them: neither has the bits."""
    return lambda table, name: _text(_BY_FRACTION, table, name, dtype, decorator)


def _text(body: str, table: Octaves, name: str, dtype: str, decorator: str) -> str:
    size, digits, bias = _LAYOUT[dtype]
    kept = digits - table.bits
    head = _ROWS.format(
        name=name,
        rows="\n".join(f"        {', '.join(map(repr, row))}," for row in table.rows),
        dtype=dtype,
        decorator=decorator,
        parts=table.parts,
        first=table.first,
    )
    text = body.format(
        dtype=dtype,
        low=table.low,
        high=table.end - math.ldexp(1.0, math.frexp(table.end)[1] - 2 - digits),
        kept=kept,
        before=(bias + table.first) << table.bits,
        width=table.width,
        mask=(1 << kept) - 1,
        bits=table.bits,
        one=bias << digits,
        parts=table.parts,
        octave=1 + table.first,
    )
    # Named once: every time that a global array is, Numba gives a device a copy of it.
    lines = [f"    rows = {name}_rows", f"    value = rows[row + u64({table.width - 1})]"]
    for k in range(table.width - 2, -1, -1):
        lines.append(f"    value = value * t + rows[row + u64({k})]")
    text += "\n".join([*lines, "    return value"])
    text = text.replace("U(", f"np.uint{size}(")
    return head + (text if dtype == "float32" else text.replace("F(", "("))
