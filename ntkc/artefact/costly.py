"""A warning before a call that will take long: what one pair of inputs costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ntkc.diagnostics import Diagnostic, Kind, Label
from ntkc.diagnostics.durations import duration
from ntkc.network.graph import Network

COSTLY: Final = 1e11
"""Operations of a pair of inputs from which on a warning is given."""

RATE: Final = 1e10
"""Operations a second that the warning reckons with: in between what was measured of slices of
convolutional networks on a core of 2026, of about 50 operations in 1.2 ns (float32, with AVX-512)
and in 3.7 ns (float64), and what processors without such vectors reach.
"""


def costly(network: Network, cost: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """The warning, where a pair of inputs costs more than `COSTLY` operations; `cost` is that of a
    manifest, by kernel.
    """
    operations = cost["ntk"]["flops"]
    if operations < COSTLY:
        return ()
    span = next(node.span for node in network.nodes() if node.layer is None)
    shown = f"{operations:.1e}".replace("e+", "e")
    return (
        Diagnostic(
            "E0507",
            f"a pair of inputs costs {shown} operations",
            Label(span, f"at 1e10 a second, {duration(operations / RATE)} for each pair"),
            help=(
                "make the inputs smaller, or pool in windows before layers that compare all "
                "positions, such as `global_avg_pool`",
            ),
            kind=Kind.WARNING,
        ),
    )
