"""`ntkc plot`: the pictures' numbers, and what cannot be drawn."""

import sys
from pathlib import Path

import numpy as np
import pytest

import ntkc as package
from ntkc.driver import Options, front_end
from ntkc.explain import pictures

SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("subject", ["gelu", "tanh", "exp_normalized", "monomial", "model.ntk"])
def test_pictures_are_written(ntkc, subject):
    done = ntkc("plot", subject, "-o", "picture.png")
    assert done.status == 0, done.err
    assert done.out.startswith("picture.png: ")
    picture = Path("picture.png").read_bytes()
    assert picture.startswith(SIGNATURE)
    assert len(picture) > 10_000  # lines and labels, not an empty sheet


def test_other_formats(ntkc):
    assert ntkc("plot", "relu", "-o", "relu.svg").status == 0
    assert "<svg" in Path("relu.svg").read_text()


def test_the_last_curve_is_the_kernel(folder):
    """Layer by layer, the last being what the compiled kernel computes."""
    angles = np.array([0.0, 0.5, 2.0, np.pi])
    curves = pictures._layers(front_end(Path("model.ntk"), Options()), angles)
    assert [label.split()[0] for label, _, _ in curves] == ["1", "2", "3", "4", "5"]
    x1 = np.array([[np.sqrt(3), 0, 0]])
    x2 = np.sqrt(3) * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    kernel = package.compile("model.ntk")
    for values, root in zip(curves[-1][1:], ("nngp", "ntk"), strict=True):
        # The recursion on covariances: half of the digits near coincidence.
        assert values == pytest.approx(kernel(x1, x2, get=root)[0], rel=1e-7)


def test_a_deep_network_shows_some_of_its_layers(folder):
    Path("deep.ntk").write_text("network n { input vector[3]; { dense -> relu } * 40; dense }")
    curves = pictures._layers(front_end(Path("deep.ntk"), Options()), np.array([0.0, 1.0]))
    assert len(curves) == 8
    assert curves[0][0] == "2  relu"
    assert curves[-1][0].startswith("81  dense")


def drawn(monkeypatch, name):
    """The figure of an activation."""
    figures = []
    monkeypatch.setattr(pictures, "_save", lambda figure, path: figures.append(figure))
    if name.endswith(".ntk"):
        pictures.plot_model(front_end(Path(name), Options()), Path("x.png"))
    else:
        pictures.plot_activation(name, Path("x.png"))
    return figures[0]


def labels(figure):
    """The words of the legend below the panels."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_equal_curves_are_one(monkeypatch):
    """Of a homogeneous activation all variances have the same, relative to coincidence."""
    assert labels(drawn(monkeypatch, "relu")) == ["every p = q"]
    assert labels(drawn(monkeypatch, "gelu")) == [f"p = q = {v:g}" for v in pictures.VARIANCES]


def test_slopes_far_apart_are_relative(monkeypatch):
    """Σ̇ of exp is 1e21 at one variance and 1 at another."""
    for name, relative in (("exp", True), ("gelu", False)):
        panel = drawn(monkeypatch, name).axes[-1]
        assert ("relative to ρ = 1" in panel.get_ylabel()) is relative
        assert panel.get_ylim()[1] < 2


def test_a_slope_that_is_none_is_said(monkeypatch):
    panel = drawn(monkeypatch, "step").axes[-1]
    assert [text.get_text() for text in panel.texts] == ["0 by convention:\nφ′ has point masses"]


def test_what_is_infinite_is_said(folder, monkeypatch, recwarn):
    """exp(0.3 z^2) after a variance of e^2: no warning of NumPy's, and words in the legend."""
    Path("inf.ntk").write_text(
        "param w = 1\nnetwork n { input vector[3]\n dense -> exp -> dense(w_std = w)\n"
        " gaussian(b = 0.3) -> dense }"
    )
    figure = drawn(monkeypatch, "inf.ntk")
    assert labels(figure)[-2:] == ["4  gaussian(b = 0.3): infinite", "5  dense: infinite"]
    assert figure.get_suptitle() == "network n, w = 1"
    assert not recwarn.list


def test_a_picture_is_written_whole_or_not_at_all(ntkc, monkeypatch):
    from matplotlib.figure import Figure

    def full(self, path, **options):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Figure, "savefig", full)
    Path("x.png").write_bytes(b"old")
    done = ntkc("plot", "relu", "-o", "x.png")
    assert done.status == 3
    assert "x.png: no space left on device" in done.err
    assert Path("x.png").read_bytes() == b"old"
    assert not list(Path().glob("*.part*")) + list(Path().glob(".*.part*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gelo", "-o", "x.png"), "no file or activation called 'gelo'; did you mean gelu?"),
        (("relu", "-o", "x.xyz"), "x.xyz: a picture's name ends in one of"),
        (("relu", "-o", "nowhere/x.png"), "there is no folder nowhere"),
        (("relu", "-o", "."), ". is a folder"),
        (("image.ntk", "-o", "x.png"), "its input must be `vector[n]`"),
        (("bad.ntk", "-o", "x.png"), "E0401"),
    ],
)
def test_what_cannot_be_drawn(ntkc, arguments, words):
    Path("image.ntk").write_text("network n { input vector[1]; dense -> relu -> dense }")
    done = ntkc("plot", *arguments)
    assert done.status in (1, 2)
    assert words in done.err
    assert not Path("x.png").exists()


def test_without_matplotlib_the_error_says_how_to_get_it(ntkc, monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = ntkc("plot", "relu", "-o", "x.png")
    assert done.status == 1
    assert "pip install 'ntkc[plot]'" in done.err
