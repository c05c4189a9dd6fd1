"""Wrong arguments: a line that says what is wrong, status 2, and nothing is overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ntkc.cli.exits import INTERRUPTED, OK, PROGRAM, RUNTIME, USAGE


@pytest.fixture
def x(folder: Path) -> Path:
    np.save("x.npy", np.ones((3, 2)))
    return folder / "x.npy"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chekc"], "there is no 'chekc'; did you mean check?"),
        (["nonsense"], "expected compile, check,"),
        (["compile"], "required: model.ntk"),
        (["compile", "model.ntk", "--emit", "pyton"], "did you mean python?"),
        (["compile", "model.ntk", "--dtype", "half"], "expected float64 or float32"),
        (["compile", "model.ntk", "--sizes", "a"], "expected whole numbers, such as 32,32,3"),
        (["compile", "model.ntk", "--sizes", "3,"], "expected whole numbers, such as 32,32,3"),
        (["compile", "model.ntk", "--sizes", "5"], "--sizes: expected those of vector[3], got 5"),
        (["compile", "model.ntk", "--sizes", "2,2"], "--sizes: expected 1 of at least 1"),
        (["compile", "model.ntk", "--tolerance", "x"], "expected a number, got 'x'"),
        (["gram", "model.ntk", "x.npy", "-o", "k.npy", "--threads", "0"], "of at least 1, got '0'"),
        (["gram", "model.ntk", "x.npy", "-o", "k.npy", "--threads", "a"], "of at least 1, got 'a'"),
        (["gram", "model.ntk", "x.npy", "-o", "model.ntk"], "--output: model.ntk is an input"),
        (["gram", "model.ntk", "x.npy", "-o", "x.npy"], "--output: x.npy is an input"),
        (["compile", "model.ntk", "--emit", "ast", "-o", "model.ntk"], "model.ntk is an input"),
        (["compile", "model.ntk", "-o", "model.ntk"], "--output: model.ntk is not a folder"),
        (["curve", "dynamics", "model.ntk", "x.npy", "--times", "a"], "numbers with commas"),
    ],
)
def test_wrong_arguments(ntkc, x: Path, arguments: list[str], told: str) -> None:
    before = Path("model.ntk").read_bytes(), x.read_bytes()
    done = ntkc(*arguments)
    assert done.status == USAGE
    assert told in done.err
    assert len(done.err.splitlines()) <= 2
    assert "Traceback" not in done.err
    assert (Path("model.ntk").read_bytes(), x.read_bytes()) == before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("model", "did you mean `model.ntk`?"),
        ("modell.ntk", "did you mean `model.ntk`?"),
        (".", "it is a folder"),
    ],
)
def test_files_that_are_not_there(ntkc, folder: Path, name: str, told: str) -> None:
    done = ntkc("check", name)
    assert done.status == PROGRAM
    assert told in done.out


def test_a_python_file(ntkc, folder: Path) -> None:
    Path("net.py").write_text("# a network\nprint(1)\n")
    done = ntkc("check", "net.py")
    assert done.status == PROGRAM
    assert "this is a program in Python" in done.out
    assert "net.py:2:1" in done.out


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    return subprocess.run(
        [sys.executable, "-m", "ntkc", *arguments], env=environment, check=False, **more
    )


def test_a_terminal_that_knows_ascii_alone(folder: Path) -> None:
    """Letters are escaped before columns are counted, so the marks stay under their places."""
    Path("a.ntk").write_text("network größe { input vector[2]; dense → dense }", encoding="utf-8")
    done = run("check", "a.ntk", capture_output=True)
    lines = done.stdout.decode("ascii").splitlines()
    shown = next(line for line in lines if "network gr" in line)
    marks = [line for line in lines if "^" in line]
    assert shown == "1 | network gr\\u{f6}\\u{df}e { input vector[2]; dense \\u{2192} dense }"
    assert [line.index("^") for line in marks] == [shown.index("\\u{f6}"), shown.index("\\u{2192}")]
    assert (done.returncode, done.stderr) == (PROGRAM, b"")


@pytest.mark.parametrize("command", ["compile", "curve", "fit"])
def test_help_where_ascii_alone_is_known(folder: Path, command: str) -> None:
    done = run(command, "--help", capture_output=True)
    assert (done.returncode, done.stderr) == (OK, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [["--help"], ["explain", "relu"], ["check", "model.ntk"]])
def test_a_full_disk(folder: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(*arguments, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == RUNTIME
    assert done.stderr == b"error: no space left on device\n"


def test_statuses_are_those_of_the_help(ntkc) -> None:
    text = ntkc("--help").out
    for status in (OK, PROGRAM, USAGE, RUNTIME, 70, INTERRUPTED, 141):
        assert f" {status}  " in text
