"""`ntkc curve`: what it writes is what `ntkc.predict` and `ntkc.theory` compute."""

import builtins
import csv
from pathlib import Path

import numpy as np
import pytest

import ntkc as package
from ntkc import predict, theory
from ntkc.cli import progress


def numbers(text):
    rows = list(csv.reader(text.splitlines()))
    cells = np.array([[float(cell or "nan") for cell in row] for row in rows[1:]])
    return dict(zip(rows[0], cells.T, strict=True))


@pytest.fixture
def data(folder):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    y = 20 + 5 * np.sin(x[:, 0]) + x[:, 1]
    np.savez("data.npz", x=x, y=y, label=np.where(x[:, 0] > 0, "a", "b"))
    np.savez("more.npz", x=x[:10] + 0.1, y=y[:10], label=np.array(["a"] * 10))
    return x, y


def test_dynamics_against_a_test_file(ntkc, data):
    """Loss in the targets' units, from the mean of the targets on, to the regression's limit."""
    x, y = data
    options = ("--target", "y", "--feature", "x", "--test", "more.npz", "--no-standardize")
    done = ntkc("curve", "dynamics", "model.ntk", "data.npz", *options, "--times", "0,10,100,inf")
    assert (done.status, done.err) == (0, "")
    found = numbers(done.out)
    kernel = package.compile("model.ntk")
    flow = predict.squared_loss_dynamics(
        kernel(x), (y - y.mean()) / y.std(), kernel(x[:10] + 0.1, x)
    ).flow([0, 10, 100, np.inf])
    train = np.mean((flow.train * y.std() + y.mean() - y) ** 2, axis=1)
    test = np.mean((flow.test * y.std() + y.mean() - y[:10]) ** 2, axis=1)
    assert found["time"].tolist() == [0, 10, 100, np.inf]
    np.testing.assert_allclose(found["train"], train, rtol=1e-8, atol=1e-15)
    np.testing.assert_allclose(found["test"], test, rtol=1e-8)


def test_dynamics_with_rows_held_out(ntkc, data):
    options = ("--target", "label", "--feature", "x", "--holdout", "0.25", "-o", "out.csv")
    done = ntkc("curve", "dynamics", "model.ntk", "data.npz", *options)
    assert (done.status, done.err) == (0, "")
    assert done.out == "out.csv: gradient flow on 30 rows, tested on 10\n"
    found = numbers(Path("out.csv").read_text())
    assert list(found) == ["time", "train", "test", "train_error_rate", "test_error_rate"]
    assert found["time"][0] == 0
    assert (np.diff(found["train"]) < 0).all()
    assert found["train"][1] > 0.5 * found["train"][0]
    assert found["train"][-1] < 1e-3 * found["train"][0]
    assert found["train_error_rate"][-1] == 0
    again = ntkc("curve", "dynamics", "model.ntk", "data.npz", *options[:-2])
    assert again.out == Path("out.csv").read_text()
    other = ntkc("curve", "dynamics", "model.ntk", "data.npz", *options[:-2], "--seed", "1")
    assert other.out != again.out


def test_a_learning_curve(ntkc, data):
    """Measured with enough repeats to know it, and the theory's own numbers beside it."""
    x, y = data
    options = ("--target", "y", "--feature", "x", "--sizes", "5,20", "--ridge", "0.1")
    done = ntkc("curve", "learning", "model.ntk", "data.npz", *options, "--repeats", "200")
    assert (done.status, done.err) == (0, "")
    found = numbers(done.out)
    k = package.compile("model.ntk")((x - x.mean(axis=0)) / x.std(axis=0))
    expected = theory.pool_learning_curve(
        k, y - y.mean(), [5, 20], ridge=0.1, ridge_scale="relative"
    )
    np.testing.assert_allclose(found["forecast"], expected.test_error, rtol=1e-6)
    rng = np.random.default_rng(5)
    measured = theory.measured_learning_curve(
        k, y - y.mean(), [5, 20], draws=200, rng=rng, ridge=0.1, ridge_scale="relative"
    )
    spread = np.hypot(found["standard_error"], measured.test_deviation)
    assert (np.abs(found["measured"] - measured.test_error) < 4 * spread).all()
    np.testing.assert_allclose(found["standard_error"], measured.test_deviation, rtol=0.3)


def test_a_learning_curve_of_labels_and_its_defaults(ntkc, data):
    options = ("--target", "label", "--feature", "x", "--repeats", "1")
    done = ntkc("curve", "learning", "model.ntk", "data.npz", *options)
    assert (done.status, done.err) == (0, "")
    found = numbers(done.out)
    assert list(found) == [
        "n", "measured", "standard_error", "forecast", "error_rate", "error_rate_standard_error",
    ]  # fmt: skip
    assert found["n"][0] == 8
    assert found["n"][-1] == 32
    assert np.isnan(found["standard_error"]).all()  # one repeat has no spread: empty cells
    assert np.isfinite(found["forecast"]).all()
    assert ((found["error_rate"] >= 0) & (found["error_rate"] <= 1)).all()


@pytest.mark.parametrize("kind", ["dynamics", "learning"])
@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_pictures(ntkc, data, kind, suffix, magic):
    pytest.importorskip("matplotlib")
    options = ("--target", "y", "--feature", "x", "--repeats", "2", "-o", "out.csv", "--plot")
    done = ntkc("curve", kind, "model.ntk", "data.npz", *options, f"p.{suffix}")
    assert done.status == 0
    assert f"p.{suffix}: " in done.err
    assert Path(f"p.{suffix}").read_bytes().startswith(magic)
    assert not list(Path().glob(".*"))


def test_an_interrupt_leaves_what_was_there(ntkc, data, monkeypatch):
    Path("out.csv").write_text("mine")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "update", interrupt)
    options = ("--target", "y", "--feature", "x", "-o", "out.csv", "--plot", "p.png")
    done = ntkc("curve", "learning", "model.ntk", "data.npz", *options)
    assert (done.status, done.out) == (130, "")
    assert Path("out.csv").read_text() == "mine"
    assert not Path("p.png").exists()
    assert not list(Path().glob(".*"))


def test_a_picture_without_matplotlib(ntkc, data, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    options = ("--target", "y", "--feature", "x", "--plot", "p.png")
    done = ntkc("curve", "learning", "model.ntk", "data.npz", *options)
    assert done.status == 3
    assert "--plot needs matplotlib: pip install matplotlib" in done.err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["learning", "--sizes", "40"], 3, "sizes must be from 1 to 39"),
        (["learning", "--sizes", "five"], 2, "--sizes"),
        (["learning", "--repeats", "0"], 3, "repeats must be at least 1"),
        (["learning", "--plot", "p.bmp"], 2, "expected a file of one of the types"),
        (["learning", "--plot", "nowhere/p.png"], 2, "there is no folder"),
        (["dynamics", "--holdout", "1"], 2, "--holdout"),
        (["dynamics", "--times", "soon"], 2, "--times"),
        (["dynamics", "--times=-1"], 3, "times"),
        (["dynamics", "--get", "nngp"], 2, "training follows the NTK"),
        (["dynamics", "--learning-rate", "0"], 3, "learning_rate must be positive"),
        (["dynamics", "-o", "data.npz"], 2, "is an input"),
        (["sideways"], 2, "there is no 'sideways'"),
    ],
)
def test_what_cannot_be_drawn(ntkc, data, arguments, status, message):
    kind, *more = arguments
    options = ("--target", "y", "--feature", "x")
    done = ntkc("curve", kind, "model.ntk", "data.npz", *options, *more)
    assert done.status == status
    assert message in done.err


def test_labels_of_a_test_file_must_be_known(ntkc, data):
    x, _ = data
    np.savez("odd.npz", x=x[:2], label=np.array(["a", "z"]))
    options = ("--target", "label", "--feature", "x", "--test", "odd.npz")
    done = ntkc("curve", "dynamics", "model.ntk", "data.npz", *options)
    assert done.status == 3
    assert "the label 'z' is in no training row" in done.err
