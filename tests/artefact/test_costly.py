"""Before a call that takes long, somebody says so."""

from __future__ import annotations

import pytest

from ntkc.artefact.costly import COSTLY, RATE, costly
from ntkc.artefact.prepare import prepare
from ntkc.diagnostics import Kind, Source
from ntkc.diagnostics.durations import duration
from ntkc.driver import Options, understood


def program(size: int) -> Source:
    body = "conv(3x3, padding = same) -> relu -> global_avg_pool -> dense"
    return Source("<test>", f"network n {{ input image[{size}, {size}, 1]; {body} }}")


def test_a_warning_where_a_pair_takes_long() -> None:
    made = prepare(program(1024), Options(), use_cache=False)
    (found,) = made.warnings
    flops = made.artefact.manifest["cost"]["ntk"]["flops"]
    assert flops > 1024**4  # every position with every other
    assert (found.code, found.kind) == ("E0507", Kind.WARNING)
    assert found.primary is not None
    assert duration(flops / RATE) in found.primary.text
    assert found.primary.span.text == "input image[1024, 1024, 1]"


def test_none_where_it_does_not() -> None:
    assert prepare(program(16), Options(), use_cache=False).warnings == ()


def test_the_threshold() -> None:
    _, network, _ = understood(program(16), Options())
    assert costly(network, {"ntk": {"flops": COSTLY - 1}}) == ()
    (found,) = costly(network, {"ntk": {"flops": COSTLY}})
    assert "costs 1.0e11 operations" in found.message


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.3, "0.3 s"),
        (59.4, "59 s"),
        (75, "1 min 15 s"),
        (7260, "2 h 1 min"),
        (86400 * 1.5, "36 h 0 min"),
        (86400 * 17.6, "18 days"),
        (86400 * 12345.0, "12,345 days"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
