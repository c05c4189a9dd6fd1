"""Convolutional networks from tables and arrays: `fit`, `predict` and `curve`."""

import csv
from pathlib import Path

import numpy as np
import pytest

import ntkc as package

FIXED = "network net { input image[2, 3, 1]; conv(2x2, b_std = 0.1) -> relu -> flatten -> dense }\n"
OPEN = FIXED.replace("image[2, 3, 1]", "image[2, ?, 1]")
RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((12, 2, 3, 1))
Y = IMAGES[:, 0, 0, 0] + IMAGES[:, 1, 2, 0]
LABELS = np.where(Y > 0, "plus", "minus")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.ntk").write_text(FIXED)
    Path("open.ntk").write_text(OPEN)
    np.savez("images.npz", x=IMAGES, y=Y, kind=LABELS)
    np.savez("flat.npz", x=IMAGES.reshape(12, 6), y=Y)
    with Path("rows.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow([*(f"pixel_{i}" for i in range(6)), "y"])
        table.writerows([*row, y] for row, y in zip(IMAGES.reshape(12, 6).tolist(), Y, strict=True))
    return tmp_path


@pytest.mark.parametrize("program", ["net.ntk", "open.ntk"])
@pytest.mark.parametrize("data", ["images.npz", "flat.npz", "rows.csv"])
def test_fit_and_predict(ntkc, folder, program, data):
    more = ("--feature", "x") if data.endswith(".npz") else ()
    fit = ("fit", program, data, "--target", "y", *more, "--ridge", "0.01", "-o", "m")
    done = ntkc(*fit)
    assert done.status == 0, done.err
    done = ntkc("predict", "m", data, "-o", "out.npy")
    assert done.status == 0, done.err
    expected = package.fit("net.ntk", IMAGES, Y, ridge=0.01).predict(IMAGES)
    np.testing.assert_allclose(np.load("out.npy"), expected, rtol=1e-9)


def test_labels_and_curves(ntkc, folder):
    of = ("net.ntk", "images.npz", "--target", "kind", "--feature", "x")
    assert ntkc("fit", *of, "--ridge", "0.1", "-o", "m").status == 0
    done = ntkc("predict", "m", "images.npz", "--scores")
    assert done.status == 0, done.err
    assert done.out.splitlines()[0] == "kind,score_minus,score_plus"
    done = ntkc("curve", "dynamics", *of, "--times", "0,10,inf")
    assert done.status == 0, done.err
    assert len(done.out.splitlines()) == 4
    done = ntkc("curve", "learning", *of, "--sizes", "4,8", "--repeats", "2", "--ridge", "0.1")
    assert done.status == 0, done.err
    assert [line.split(",")[0] for line in done.out.splitlines()] == ["n", "4", "8"]


def test_images_that_do_not_fit(ntkc, folder):
    np.savez("large.npz", x=np.ones((12, 4, 4, 1)), y=Y)
    done = ntkc("fit", "net.ntk", "large.npz", "--target", "y", "--feature", "x", "-o", "m")
    assert done.status == 3
    assert "16 numbers in a row, of the shape (4, 4, 1), which do not make up" in done.err
    fit = ("fit", "net.ntk", "images.npz", "--target", "y", "--feature", "x", "-o", "m")
    assert ntkc(*fit).status == 0
    done = ntkc("predict", "m", "large.npz")
    assert done.status == 3
    assert "16" in done.err
