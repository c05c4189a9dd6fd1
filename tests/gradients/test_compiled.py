"""Derivatives through the compiler, the cache and Numba: as for kernels, and only when asked."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ntkc
from tests.backends.kernels import BASE, at_angles
from tests.gradients.oracle import derived
from tests.gradients.test_parameters import NETWORKS

TEXT = NETWORKS["erf, relu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NTKC_CACHE_DIR", str(place))
        yield place


@pytest.fixture(scope="module")
def batch() -> Any:
    rng = np.random.default_rng(2)
    near = at_angles(BASE, [0.0, 1e-7, 1e-4, 0.02])
    return np.concatenate([rng.standard_normal((300, 7)), near, BASE[None], 0 * BASE[None]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_code_is_what_plain_python_computes(folder: Path, batch: Any, dtype: str) -> None:
    """On several tiles, with near pairs in some of them. Contraction moves roundings alone."""
    made = ntkc.compile(source=TEXT, dtype=dtype)
    x = batch[-40:].astype(dtype)
    rows = batch.astype(dtype)
    limit = 1e-12 if dtype == "float64" else 2e-5
    value, gradient = made.value_and_gradient(rows, x)
    slow = derived(TEXT, dtype).value_and_gradient(rows[-40:], x)
    for name in ("w", "b"):
        scale = np.abs(slow.gradient[name]).max()
        assert np.abs(gradient[name][-40:] - slow.gradient[name]).max() <= limit * scale
    assert np.abs(value - made(rows, x)).max() <= limit * value.max()
    square = made.value_and_gradient(rows)
    for found in square.gradient.values():
        assert np.isfinite(found).all()
        assert (found == found.T).all()
    # Whether a pair is on a triangular tile or not, its rates are the same.
    again = square.gradient["w"][:, -40:]
    assert np.abs(again - gradient["w"])[:-40].max() <= limit * np.abs(again).max()


def test_inputs_along_a_direction(folder: Path, batch: Any) -> None:
    """One number against differences of the kernel itself, whose own error is 1e-16/1e-6."""
    made = ntkc.compile(source=TEXT)
    x = batch[:50]
    rng = np.random.default_rng(4)
    direction, cotangent = rng.standard_normal(x.shape), rng.standard_normal((50, 50))
    h = 1e-6
    ends = [(cotangent * made(x + sign * h * direction)).sum() for sign in (1, -1)]
    found = made.value_and_gradient(x, wrt="x1", cotangent=cotangent).gradient["x1"]
    assert (found * direction).sum() == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-7)


def test_derivatives_are_compiled_when_asked_for_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NTKC_CACHE_DIR", str(tmp_path))
    made = ntkc.compile(source=TEXT)
    before = {entry.name for entry in tmp_path.iterdir()}
    assert len(before) == 1
    x = np.ones((2, 7))
    made.value_and_gradient(x, wrt=("b", "w"))
    added = {entry.name for entry in tmp_path.iterdir()} - before
    assert len(added) == 1
    stamp = (tmp_path / next(iter(added)) / "kernel.py").stat().st_mtime_ns
    made.value_and_gradient(x, wrt=("w", "b"))  # in another order, the same program
    ntkc.compile(source=TEXT).value_and_gradient(x)
    assert {entry.name for entry in tmp_path.iterdir()} - before == added
    assert (tmp_path / next(iter(added)) / "kernel.py").stat().st_mtime_ns == stamp


def test_restored_kernels_differentiate(folder: Path) -> None:
    made = pickle.loads(pickle.dumps(ntkc.compile(source=TEXT)))
    assert (made.value_and_gradient(np.eye(7), wrt="w").gradient["w"] != 0).all()


def test_threads_share_one_compilation(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ntkc.artefact import compiled

    counted = []
    original = compiled.derived

    def counting(*args: Any) -> Any:
        counted.append(args)
        return original(*args)

    monkeypatch.setattr(compiled, "derived", counting)
    made = ntkc.compile(source=TEXT)
    threads = [
        threading.Thread(target=made.value_and_gradient, args=(np.eye(7),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counted) == 1
