"""Networks whose input leaves its positions open are compiled for the sizes that are given."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest

import ntkc
from ntkc.artefact.open_kernel import OpenKernel
from ntkc.cli.main import main
from ntkc.diagnostics import ProgramError
from ntkc.runtime.errors import ArgumentError, ArrayError

TEXT = """network net {{
    input sequence[{size}, 2]
    conv(2) -> relu -> global_avg_pool -> dense
}}
"""


def test_sizes_given_are_sizes_written() -> None:
    x = np.random.default_rng(0).standard_normal((3, 5, 2))
    given = ntkc.compile(source=TEXT.format(size="?"), sizes=np.array([5, 2]))
    np.testing.assert_array_equal(given(x), ntkc.compile(source=TEXT.format(size="5"))(x))


def test_open_positions_are_those_of_each_array() -> None:
    kernel = ntkc.compile(source=TEXT.format(size="?"))
    assert kernel.input == "sequence[?, 2]"
    for size in (5, 4, 5):
        x = np.random.default_rng(size).standard_normal((3, size, 2))
        written = ntkc.compile(source=TEXT.format(size=size))
        np.testing.assert_array_equal(kernel(x), written(x))
        np.testing.assert_array_equal(kernel(x[:2], x, get="nngp"), written(x[:2], x, get="nngp"))
        np.testing.assert_array_equal(kernel.diag(x), written.diag(x))
    again = pickle.loads(pickle.dumps(kernel))
    np.testing.assert_array_equal(again(x), written(x))
    assert isinstance(kernel, OpenKernel)
    assert kernel.at((5, 2)) is kernel.at((5, 2))
    assert kernel.at((5, 2)).input == "sequence[5, 2]"
    assert kernel.at(np.array([5, 2])) is kernel.at((5, 2))
    for wrong in ((5.5, 2), "52", 5):
        with pytest.raises(TypeError, match=r"^sizes: expected whole numbers"):
            kernel.at(wrong)  # type: ignore[arg-type]


def test_open_channels() -> None:
    text = "network net { input sequence[3, ?]; conv(2) -> relu -> flatten }"
    x = np.random.default_rng(0).standard_normal((3, 3, 4))
    written = ntkc.compile(source=text.replace("?", "4"))
    np.testing.assert_array_equal(ntkc.compile(source=text)(x), written(x))


def test_parameters() -> None:
    """They stand in the signature, and are passed on."""
    text = TEXT.replace("conv(2)", "conv(2, w_std = w)")
    kernel = ntkc.compile(source="param w = 1.2\n" + text.format(size="?"))
    assert inspect.signature(kernel).parameters["w"].default == 1.2
    x = np.random.default_rng(0).standard_normal((3, 5, 2))
    written = ntkc.compile(source="param w = 1.2\n" + text.format(size="5"))
    np.testing.assert_array_equal(kernel(x, w=0.7), written(x, w=0.7))


def test_arrays_that_do_not_suit() -> None:
    kernel = ntkc.compile(source=TEXT.format(size="?"))
    with pytest.raises(ArrayError, match="axis 2 has 3 elements and not 2"):
        kernel(np.ones((1, 5, 3)))
    with pytest.raises(ArrayError, match="expected an array of shape"):
        kernel(np.ones((5, 2)))
    with pytest.raises(ArrayError, match="at least one element"):
        kernel(np.ones((1, 0, 2)))
    with pytest.raises(ArrayError, match=r"x2: .*axis 1 has 4 elements and not 5"):
        kernel(np.ones((1, 5, 2)), np.ones((1, 4, 2)))
    with pytest.raises(ProgramError, match="larger than its input"):
        kernel(np.ones((1, 1, 2)))


def test_an_axis_that_is_missing() -> None:
    kernel = ntkc.compile(source="network n { input image[?, ?, 1]; conv(1) -> relu -> flatten }")
    with pytest.raises(ArrayError, match=r"a single channel is an axis too, as x1\[..., None\]"):
        kernel(np.ones((4, 2, 3)))
    with pytest.raises(ArrayError, match=r"one input is shape \(1, 2, 3, 1\), as x1\[None\]"):
        kernel(np.ones((2, 3, 1)))


def test_what_is_of_given_sizes_needs_them(tmp_path: Path) -> None:
    kernel = ntkc.compile(source=TEXT.format(size="?"))
    for wanted in (lambda: kernel.generated, lambda: kernel.save(tmp_path), kernel.explain):
        with pytest.raises(ArgumentError, match=r"sizes of sequence\[\?, 2\] are open.*at\("):
            wanted()


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, array, result = (tmp_path / name for name in ("net.ntk", "x.npy", "k.npy"))
    program.write_text(TEXT.format(size="?"), encoding="utf-8")
    x = np.random.default_rng(0).standard_normal((3, 5, 2))
    np.save(array, x)
    assert main(["gram", str(program), str(array), "-o", str(result)]) == 0
    np.testing.assert_array_equal(np.load(result), ntkc.compile(program)(x))
    assert main(["explain", str(program), "--sizes", "5,2"]) == 0
    assert "for 39 entries" in capsys.readouterr().out
    assert main(["compile", str(program), "-o", str(tmp_path / "build")]) != 0
    assert "--sizes 32,32,3" in capsys.readouterr().err
    assert main(["compile", str(program), "-o", str(tmp_path / "build"), "--sizes", "5,2"]) == 0


@pytest.mark.parametrize(
    ("sizes", "error"), [((0, 2), ValueError), ((5.0, 2), TypeError), ((5, 3), ValueError)]
)
def test_wrong_sizes(sizes: tuple[int, ...], error: type[Exception]) -> None:
    with pytest.raises(error, match="size"):
        ntkc.compile(source=TEXT.format(size="?"), sizes=sizes)
