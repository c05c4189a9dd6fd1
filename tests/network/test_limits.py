"""Programs that would grow without bounds get an error, and deep ones get through."""

from __future__ import annotations

import pytest

from ntkc.network.limits import MAX_LAYERS
from tests.network.programs import check, codes, layers


@pytest.mark.parametrize(
    ("body", "before", "code"),
    [
        ("{ dense -> relu } * 10000 -> dense", "", "E0330"),
        ("t(t(t(t(t(t(t(t(t(t(t(t(t(t(t(dense)))))))))))))))", "def t(l) = l -> l", "E0330"),
        ("a * 1000", "let a = b * 1000\nlet b = c * 1000\nlet c = dense * 1000", "E0330"),
        ("dense * 1e15", "", "E0331"),
        (
            "f99(1)",
            "def f0(x) = dense\n" + "".join(f"def f{n + 1}(x) = f{n}(x)\n" for n in range(99)),
            "E0332",
        ),
        (
            "dense(w_std = f9(1))",
            "def f0(x) = x\n"
            + "".join(f"def f{n + 1}(x) = {' + '.join([f'f{n}(x)'] * 9)}\n" for n in range(9)),
            "E0333",
        ),
        (f"dense -> polynomial([{'0, ' * 100}])", "", "E0334"),
        (f"add({'dense, ' * 100})", "", "E0334"),
    ],
)
def test_growth_is_an_error(body: str, before: str, code: str) -> None:
    assert codes(body, before) == [code]


def test_the_largest_network() -> None:
    network = layers("{ dense -> relu } * 9999 -> dense")
    assert sum(1 for _ in network.nodes()) == MAX_LAYERS


def test_thousands_of_definitions() -> None:
    before = "let a0 = 1\n" + "".join(f"let a{n + 1} = a{n} + 1\n" for n in range(3000))
    network = layers("dense(w_std = a3000)", before)
    assert network.output.layer is not None
    assert network.output.layer.number("w_std").attr("value") == 3001


def test_thousands_of_unknown_names() -> None:
    _, found = check("network n { input vector[3]; " + "nope -> " * 3000 + "dense }")
    assert {d.code for d in found} == {"E0301"}
    assert len(found) == 20


def test_a_value_that_doubles_is_shared() -> None:
    before = "param a0 = 1\n" + "".join(f"let a{n + 1} = a{n} + a{n}\n" for n in range(500))
    network = layers("dense(w_std = a500)", before)
    assert "w_std = ..." in str(network)
