"""`ntkc gram`."""

import errno
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import ntkc as package
from ntkc.cli import progress


@pytest.fixture
def kernel(folder):
    return package.compile(folder / "model.ntk")


def test_a_gram_matrix(ntkc, folder, kernel):
    done = ntkc("gram", "model.ntk", "x.npy", "-o", "k.npy")
    assert done.status == 0
    assert done.err == ""
    assert done.out.startswith("k.npy: ntk, 20 x 20, float64, in ")
    assert np.array_equal(np.load(folder / "k.npy"), kernel(np.load(folder / "x.npy")))
    assert not list(folder.glob(".k.npy*"))


def test_a_cross_gram_matrix(ntkc, folder, kernel):
    options = ("--get", "nngp", "--param", "w_std=1.25", "--threads", 1, "--memory", "8MiB")
    done = ntkc("gram", "model.ntk", "x.npy", "z.npy", "-o", "k.npy", *options)
    assert done.status == 0
    expected = kernel(np.load("x.npy"), np.load("z.npy"), get="nngp", w_std=1.25)
    assert np.array_equal(np.load("k.npy"), expected)


def test_single_precision(ntkc, folder):
    assert ntkc("gram", "model.ntk", "z.npy", "-o", "k.npy", "--dtype", "float32").status == 0
    assert np.load("k.npy").dtype == np.float32


@pytest.mark.parametrize("shape", [(0, 3), (1, 3)])
def test_small_arrays(ntkc, folder, shape):
    np.save("small.npy", np.ones(shape))
    assert ntkc("gram", "model.ntk", "small.npy", "x.npy", "-o", "k.npy").status == 0
    assert np.load("k.npy").shape == (shape[0], 20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.npy"], "nowhere.npy: no such file or directory"),
        (["model.ntk"], "model.ntk is not a .npy file"),
        (["."], "is a folder"),
        (["objects.npy"], "objects.npy is not a .npy file of numbers"),
        (["several.npz"], "several.npz holds several arrays"),
        (["wide.npy"], "expected an array of shape (n, 3), got shape (20, 4)"),
        (["flat.npy"], "flat.npy: expected an array of shape (n, 3), got shape (3,)"),
        (["nan.npy"], "nan.npy: row 0 holds nan (column 0); inputs must be finite"),
        (["x.npy", "nan.npy"], "nan.npy: row 0 holds nan"),
        (["cut.npy"], "cut.npy is not a .npy file of numbers"),
        (["promised.npy"], "promised.npy is not a .npy file of numbers"),
        (["x.npy", "--memory", "much"], "memory: expected bytes"),
        (["x.npy", "--memory", "1B"], "memory: this call needs at least"),
        (["x.npy", "--param", "w_sdt=1"], "did you mean 'w_std'"),
        (["x.npy", "--param", "w_std=nan"], "expected a finite number"),
    ],
)
def test_data_that_does_not_fit(ntkc, folder, arguments, message):
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez("several.npz", a=np.ones(3), b=np.ones(3))
    np.save("wide.npy", np.ones((20, 4)))
    np.save("flat.npy", np.ones(3))
    np.save("nan.npy", np.full((2, 3), np.nan))
    content = (folder / "x.npy").read_bytes()
    (folder / "cut.npy").write_bytes(content[:-8])
    shape, more = b"'shape': (20, 3), ", b"'shape': (2000000000000, 3), "
    (folder / "promised.npy").write_bytes(
        content.replace(shape, more).replace(b" " * (len(more) - len(shape)), b"", 1)
    )
    done = ntkc("gram", "model.ntk", *arguments, "-o", "k.npy")
    assert done.status == 3
    assert message in done.err
    assert not list(folder.glob("*k.npy*"))


def test_a_folder_that_cannot_be_written(ntkc, folder, monkeypatch):
    """As the system says it; root, which tests may run as, is refused nothing."""
    (folder / "locked").mkdir(mode=0o500)

    def refused(path, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "touch", refused)
    done = ntkc("gram", "model.ntk", "x.npy", "-o", "locked/k.npy")
    assert (done.status, done.err) == (3, "error: locked/k.npy: permission denied\n")


def test_a_program_with_mistakes(ntkc):
    done = ntkc("gram", "bad.ntk", "x.npy", "-o", "k.npy")
    assert done.status == 1
    assert "E0401" in done.err


def test_an_interrupt_leaves_what_was_there(ntkc, folder, monkeypatch):
    (folder / "k.npy").write_text("precious")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "update", interrupt)
    done = ntkc("gram", "model.ntk", "x.npy", "-o", "k.npy")
    assert done.status == 130
    assert (folder / "k.npy").read_text() == "precious"
    assert not list(folder.glob(".k.npy*"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(start, folder, number, status):
    """A large matrix, so that the signal comes while it is being computed."""
    np.save(folder / "large.npy", np.random.default_rng(0).standard_normal((4_000, 3)))
    process = start(["gram", "model.ntk", "large.npy", "-o", "k.npy", "--threads", "1"])
    while process.poll() is None and not list(folder.glob(".k.npy*")):
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "", "")
    assert not list(folder.glob("*k.npy*"))


def test_progress_where_it_is_asked_for(ntkc):
    done = ntkc("gram", "model.ntk", "x.npy", "-o", "k.npy", "--progress")
    assert "100 %" in done.err
    assert done.err.endswith("\r")
    assert ntkc("gram", "model.ntk", "x.npy", "-o", "k.npy", "--no-progress").err == ""


def test_a_progress_line_fits_the_terminal():
    for columns in range(1, 100):
        for done in (0, 1, 500, 999, 1000):
            assert len(progress.line(done, 1000, 12.0, columns)) < max(columns, 2)
    assert "15 s left" in progress.line(250, 1000, 5.0, 80)
    assert "left" not in progress.line(250, 1000, 0.5, 80)
