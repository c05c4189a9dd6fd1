"""The frame around all commands: help, exit statuses, messages, what is imported when."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from ntkc.cli import check, terminal
from ntkc.cli.main import COMMANDS
from ntkc.diagnostics import NtkError


def imported_by(*arguments: str) -> tuple[str, list[str]]:
    """What a command printed, and which heavy packages it imported."""
    script = (
        "import sys\nfrom ntkc.cli.main import main\n"
        f"status = main({list(arguments)!r})\n"
        "print(status, *[m for m in ('numpy', 'numba', 'llvmlite', 'sympy', 'lark') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    *printed, last = done.stdout.splitlines()
    status, *packages = last.split()
    assert status == "0", done.stderr
    return "\n".join(printed), packages


def test_help_imports_nothing():
    printed, packages = imported_by("--help")
    assert packages == []
    for command in COMMANDS:
        assert f"    {command} " in printed


def test_help_of_every_command_imports_nothing(ntkc):
    _, packages = imported_by("gram", "--help")
    assert packages == []
    for command in COMMANDS:
        done = ntkc(command, "--help")
        assert done.status == 0
        assert done.out.startswith(f"usage: ntkc {command} ")


def test_check_and_fmt_need_neither_numba_nor_sympy(folder):
    for command in (["check"], ["fmt", "--check"]):
        _, packages = imported_by(*command, "model.ntk")
        assert not {"numba", "sympy", "llvmlite"} & set(packages)


def test_without_arguments(ntkc):
    done = ntkc()
    assert done.status == 0
    assert done.out.startswith("usage: ntkc")


def test_version(ntkc):
    import ntkc as package

    assert ntkc("--version").out == f"ntkc {package.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["complie"],
        ["compile"],
        ["compile", "model.ntk", "--dtype", "float16"],
        ["compile", "model.ntk", "--after", "fold"],
        ["compile", "model.ntk", "--emit", "ir", "--after", "fould"],
        ["gram", "model.ntk", "x.npy"],
        ["gram", "model.ntk", "x.npy", "-o", "k.npy", "--param", "w_std"],
        ["gram", "model.ntk", "x.npy", "-o", "k.npy", "--param", "w_std=big"],
        ["gram", "model.ntk", "x.npy", "-o", "nowhere/k.npy"],
        ["gram", "model.ntk", "x.npy", "-o", "."],
        ["gram", "model.ntk", "x.npy", "-o", "x.npy"],
        ["opt"],
        ["opt", "model.ntk", "-p", "fould"],
        ["explain", "gellu"],
        ["explain", "model.ntk:99"],
        ["cache", "wipe"],
    ],
)
def test_wrong_usage(ntkc, arguments):
    done = ntkc(*arguments)
    assert done.status == 2
    assert "error" in done.err
    assert done.out == ""


@pytest.mark.parametrize("command", ["compile", "check", "fmt", "explain"])
def test_a_missing_program(ntkc, command):
    done = ntkc(command, "nowhere.ntk")
    assert done.status == 1
    assert "cannot read `nowhere.ntk`: no such file or directory" in done.out + done.err


def test_compiling_for_a_gpu_needs_none(ntkc):
    done = ntkc("compile", "model.ntk", "--target", "cuda")
    assert done.status == 0, done.err
    assert "for NVIDIA's GPUs" in done.out
    source = ntkc("compile", "model.ntk", "--target", "cuda", "--emit", "python")
    assert "@cuda.jit" in source.out
    refused = ntkc("compile", "model.ntk", "--target", "cuda", "--emit", "asm")
    assert refused.status == 2
    assert "--emit ptx shows GPUs' code" in refused.err


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (NtkError("a known limit"), 1, "a known limit"),
        (PermissionError(13, "Permission denied", "/there"), 3, "/there: permission denied"),
        (OSError("odd"), 3, "odd"),
        (MemoryError(), 3, "out of memory"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_statuses(ntkc, monkeypatch, error, status, message):
    def fail(args):
        raise error

    monkeypatch.setattr(check, "run", fail)
    done = ntkc("check", "model.ntk")
    assert done.status == status
    assert message in done.err


def test_a_bug_leaves_a_report(ntkc, folder, monkeypatch):
    def fail(args):
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(check, "run", fail)
    done = ntkc("check", "model.ntk")
    assert done.status == 70
    assert "this is a bug of ntkc: ZeroDivisionError: of ours" in done.err
    (report,) = folder.glob("ntkc-bug-*.txt")
    assert str(report) in done.err
    text = report.read_text()
    for part in ("Traceback", "of ours", "numba", "'check' 'model.ntk'", "param w_std = 1.5"):
        assert part in text


def test_a_bug_where_nothing_can_be_written(ntkc, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(check, "run", fail)
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    done = ntkc("check", "model.ntk")
    assert done.status == 70
    assert "no report could be written" in done.err


def test_warnings_are_messages(ntkc, monkeypatch):
    from ntkc.artefact.cache import CacheWarning

    def warn(args):
        warnings.warn("the disk is full", CacheWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(check, "run", warn)
    assert ntkc("check", "model.ntk").err == "warning: the disk is full\n"


def test_a_reader_that_goes_away(start):
    process = start(["compile", "model.ntk", "--emit", "python"])
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == ""
    process.stdin.close()
    process.stderr.close()


class Stream:
    def __init__(self, terminal, encoding="utf-8"):
        self.terminal = terminal
        self.encoding = encoding
        self.text = ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        text.encode(self.encoding)
        self.text += text


@pytest.mark.parametrize(
    ("is_terminal", "environment", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours(monkeypatch, is_terminal, environment, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Stream(is_terminal)
    assert terminal.in_colour(stream) is expected
    monkeypatch.setattr(sys, "stderr", stream)
    terminal.error("wrong")
    assert ("\033[" in stream.text) is expected


def test_a_stream_that_knows_few_characters():
    stream = Stream(False, "ascii")
    terminal.write(stream, "Σ\n")
    assert stream.text == "\\u03a3\n"
