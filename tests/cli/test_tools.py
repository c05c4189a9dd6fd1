"""`ntkc opt`, `ntkc explain`, `ntkc doctor` and `ntkc cache`."""

import sys

import pytest

from ntkc.cli import doctor
from ntkc.cli.opt import forms_of


def test_single_passes(ntkc, folder):
    derived = ntkc("compile", "model.ntk", "--emit", "ir").out
    (folder / "model.ir").write_text(derived)
    assert ntkc("opt", "model.ir").out == derived
    for count in range(1, 6):
        names = ["diagonals", "expand", "fold", "functions", "fold-again"][:count]
        done = ntkc("opt", "model.ir", "-p", ",".join(names))
        assert done.status == 0
        assert done.out == ntkc("compile", "model.ntk", "--emit", "ir", "--after", names[-1]).out


def test_passes_are_listed(ntkc):
    assert ntkc("opt", "--list").out.splitlines()[:2] == ["diagonals", "expand"]


def test_what_is_no_ir(ntkc, folder):
    done = ntkc("opt", "model.ntk")
    assert done.status == 1
    assert "--> model.ntk:1:1" in done.err
    (folder / "latin.ir").write_bytes(b"\xff")
    assert ntkc("opt", "latin.ir").status == 3
    assert ntkc("opt", "nowhere.ir").status == 3


def test_forms_by_key():
    assert forms_of("relu").name == "relu"
    assert forms_of("monomial(3)").name == "monomial(3)"
    assert forms_of("polynomial(4)").name == "polynomial(4)"
    for key in ("relo", "relu(1)", "monomial", "monomial(x)", "monomial(99)", "a b", ""):
        with pytest.raises(KeyError):
            forms_of(key)


@pytest.mark.parametrize(
    ("subject", "part"),
    [
        ("E0401", "an activation needs Gaussian pre-activations"),
        ("e0401", "an activation needs Gaussian pre-activations"),
        ("gelu", "gelu"),
        ("dense", "dense"),
        ("model.ntk", "relu"),
        ("model.ntk:5", "relu"),
    ],
)
def test_explanations(ntkc, subject, part):
    done = ntkc("explain", subject)
    assert done.status == 0, done.err
    assert done.err == ""
    assert part in done.out


def test_no_explanation(ntkc):
    assert "did you mean E0401?" in ntkc("explain", "E401").err
    assert "did you mean gelu?" in ntkc("explain", "gellu").err
    assert ntkc("explain", "bad.ntk").status == 1


def test_doctor(ntkc):
    done = ntkc("doctor")
    assert done.status == 0
    for part in ("numba", "threads", "blas", "cuda", "cache", "compiles, runs and is right"):
        assert part in done.out
    assert done.out.endswith("all is well\n")


def test_doctor_finds_trouble(ntkc, folder, monkeypatch):
    def refuse():
        raise doctor.TroubleError("has a cold")

    monkeypatch.setattr(doctor, "_kernel", refuse)
    (folder / "file").write_text("")
    monkeypatch.setenv("NTKC_CACHE_DIR", str(folder / "file" / "cache"))
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    done = ntkc("doctor")
    assert done.status == 3
    assert "broken: has a cold" in done.out
    assert "warning: cannot be written" in done.out
    assert done.out.endswith("something is broken\n")


def test_cache(ntkc, folder, monkeypatch):
    monkeypatch.setenv("NTKC_CACHE_DIR", str(folder / "cache"))
    assert ntkc("cache").out == f"{folder / 'cache'}: 0 compiled programs, 0.0 MiB\n"
    ntkc("compile", "model.ntk")
    assert ntkc("cache", "dir").out == f"{folder / 'cache'}\n"
    assert "1 compiled program, " in ntkc("cache", "info").out
    assert ntkc("cache", "clear").out == "removed 1 compiled program\n"
    assert "0 compiled programs" in ntkc("cache").out
