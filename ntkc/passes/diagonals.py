"""Add the roots of single inputs: the kernel of an input with itself.

    nngp = gram{CROSS} * 2        gains     nngp_diagonal = gram{ROW} * 2

Values of one input cost O(n) where pairs cost O(n²), and the diagonal of a Gram matrix is
exact where the pair's formula would only come close. Preserves the roots that are there.
"""

from __future__ import annotations

from ntkc.ir.module import Module
from ntkc.ir.node import Varies
from ntkc.ir.project import Projection


def diagonals(module: Module) -> Module:
    """The module with `nngp_diagonal` and `ntk_diagonal` beside `nngp` and `ntk`."""
    row = Projection(Varies.ROW)
    roots = dict(module.roots)
    for name in ("nngp", "ntk"):
        if name in roots:
            roots[f"{name}_diagonal"] = row(roots[name])
    return module.with_roots(roots, module.spans)
