"""Networks whose input leaves its positions open are compiled for the sizes that are given."""

from __future__ import annotations

import numpy as np
import pytest

import ntkc
from ntkc.diagnostics import NtkError

TEXT = """network net {{
    input sequence[{size}, 2]
    conv(2) -> relu -> global_avg_pool -> dense
}}
"""


def test_sizes_given_are_sizes_written() -> None:
    x = np.random.default_rng(0).standard_normal((3, 5, 2))
    given = ntkc.compile(source=TEXT.format(size="?"), sizes=(5, 2))
    np.testing.assert_array_equal(given(x), ntkc.compile(source=TEXT.format(size="5"))(x))


def test_open_positions_need_sizes() -> None:
    with pytest.raises(NtkError, match=r"are open.*sizes="):
        ntkc.compile(source=TEXT.format(size="?"))


@pytest.mark.parametrize(
    ("sizes", "error"), [((0, 2), ValueError), ((5.0, 2), TypeError), ((5, 3), ValueError)]
)
def test_wrong_sizes(sizes: tuple[int, ...], error: type[Exception]) -> None:
    with pytest.raises(error, match="size"):
        ntkc.compile(source=TEXT.format(size="?"), sizes=sizes)
