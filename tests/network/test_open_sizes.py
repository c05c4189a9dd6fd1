"""Sizes that a program leaves open: what is known without them, and the network with them."""

from __future__ import annotations

import pytest

from ntkc.diagnostics import Diagnostics, Source
from ntkc.network.derive import OpenSizesError, derive
from ntkc.network.graph import Network
from ntkc.network.resolve import resolve_program
from ntkc.syntax.parser import parse
from tests.network.programs import codes, resolve

BODY = """
    conv(3, stride = 2, padding = same, units = 5)
    add(relu -> conv(3, padding = same), identity) -> relu -> avg_pool(2)
    flatten -> dense(parameterization = {})
"""


def _program(sizes: str, parameterization: str = "ntk") -> str:
    return f"network net {{ input image[{sizes}] {BODY.format(parameterization)} }}"


def _with(text: str, sizes: tuple[int, ...]) -> tuple[Network | None, list[str]]:
    diagnostics = Diagnostics()
    file = parse(Source("test.ntk", text), diagnostics)
    assert file is not None
    return resolve_program(file, diagnostics, sizes=sizes), [d.code for d in diagnostics]


def test_shapes_are_known_as_far_as_sizes_are() -> None:
    shapes = [str(node.shape) for node in resolve(_program("?, 8, 3")).nodes()]
    assert shapes == [
        "[?, 8, 3]", "[?, 4, 5]", "[?, 4, 5]", "[?, 4, ?]", "[?, 4, 5]", "[?, 4, 5]", "[?, 4, 5]",
        "[?, 2, 5]", "[?]", "[?]",
    ]  # fmt: skip


def test_sizes_given_are_sizes_declared() -> None:
    text = _program("?, 8, ?")
    with pytest.raises(OpenSizesError, match=r"positions of `input image\[\?, 8, \?\]` are open"):
        derive(resolve(text))
    network, found = _with(text, (6, 8, 3))
    assert network is not None
    assert found == []
    expected = derive(resolve(_program("6, 8, 3")))
    assert derive(network).roots == expected.roots
    assert network.input == resolve(_program("6, 8, 3")).input


def test_open_channels_alone_can_be_derived() -> None:
    network = resolve("network net { input image[4, 4, ?]; conv(3) -> flatten }")
    assert derive(network).roots["nngp"].space == ()


def test_sizes_that_contradict() -> None:
    text = _program("?, 8, 3")
    for sizes in ((6, 7, 3), (6, 8), (6, 8, 3, 1), (0, 8, 3)):
        with pytest.raises(ValueError, match="sizes: expected"):
            _with(text, sizes)


def test_sizes_can_be_too_small() -> None:
    text = "network net { input image[?, ?, 3]; conv(3) -> avg_pool(2) -> flatten }"
    assert codes("conv(3) -> avg_pool(2) -> flatten", input="image[?, ?, 3]") == []
    assert _with(text, (3, 5, 3)) == (None, ["E0326"])


def test_what_counts_channels_waits_for_sizes() -> None:
    network, found = _with(_program("?, 8, 3", "standard"), (6, 8, 3))
    assert network is not None
    assert found == []
