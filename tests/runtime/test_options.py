"""`get`, parameters, `threads`, `memory`: what is read, and what is refused."""

import numpy as np
import pytest

from ntkc.runtime import ArgumentError, ArgumentTypeError, Kernel, LoadError, load_program
from ntkc.runtime.options import DEFAULT_MEMORY, memory_budget, thread_count

X = np.eye(3)


@pytest.mark.parametrize(
    ("get", "error", "message"),
    [
        ("nkt", ArgumentError, "did you mean 'ntk'"),
        ("NTK", ArgumentError, "did you mean 'ntk'"),
        (("ntk", "nngpp"), ArgumentError, "did you mean 'nngp'"),
        ("all", ArgumentError, "neither"),
        ((), ArgumentTypeError, "expected"),
        (3, ArgumentTypeError, "expected"),
        (("ntk", 3), ArgumentTypeError, "expected"),
        (("ntk", "nngp", "ntk"), ArgumentError, "get: 'ntk' is asked for 2 times"),
    ],
)
def test_get(programs, get, error, message):
    for call in (programs.relu(), programs.relu().diag):
        with pytest.raises(error, match=message):
            call(X, get=get)


def test_roots_that_were_not_compiled(programs):
    with pytest.raises(ArgumentError, match=r"without nngp\+ntk \(it has ntk, nngp\)"):
        programs.linear()(X, get=("ntk", "nngp"))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"w_sdt": 1.0}, TypeError, r"no parameter 'w_sdt'; did you mean 'w_std'\?"),
        ({"depth": 1.0}, TypeError, r"no parameter 'depth' \(its parameters: w_std\)"),
        ({"w_std": "1"}, TypeError, "expected a number, got '1' of type str"),
        ({"w_std": True}, TypeError, "expected a number"),
        ({"w_std": 1j}, TypeError, "expected a number"),
        ({"w_std": [1.0]}, TypeError, "expected a number"),
        ({"w_std": float("nan")}, ValueError, "finite"),
        ({"w_std": float("inf")}, ValueError, "finite"),
        ({"w_std": 10**400}, ValueError, "parameter 'w_std': expected a finite number"),
        ({"w_std": -1}, ValueError, "w_std: expected at least 0"),
    ],
)
def test_parameters(programs, given, error, message):
    for call in (programs.relu(), programs.relu().diag):
        with pytest.raises(error, match=message):
            call(X, **given)


def test_kernels_without_parameters(programs):
    kernel = programs.linear(
        PARAMETERS={}, constants=lambda parameters, size: np.array([1.0, 1.0 / size])
    )
    with pytest.raises(ArgumentTypeError, match="its parameters: none"):
        kernel(X, w_std=1.0)
    assert "Parameters: none" in kernel.__doc__


def test_parameters_may_not_hide_arguments(programs):
    module = programs.modules["linear"]("float64", PARAMETERS={"threads": 1.0})
    with pytest.raises(LoadError, match="'threads'"):
        Kernel(load_program(module))


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        (None, DEFAULT_MEMORY),
        (1000, 1000),
        (np.int64(7), 7),
        ("1024", 1024),
        ("12 B", 12),
        ("2kB", 2000),
        ("2 KiB", 2048),
        ("512MiB", 512 * 2**20),
        ("1.5GB", 1_500_000_000),
        ("1tib", 2**40),
        (f"{'9' * 400}GB", 2**63),
    ],
)
def test_memory(text, bytes_):
    assert memory_budget(text) == bytes_


@pytest.mark.parametrize("memory", ["", "MiB", "-1MB", "1 XB", "1e3", 0, -5, 1.5, True, [1]])
def test_memory_refused(programs, memory):
    with pytest.raises((ArgumentError, ArgumentTypeError), match="memory"):
        programs.relu()(X, memory=memory)


def test_threads():
    assert thread_count(None) >= 1
    assert thread_count(np.int32(5)) == 5


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_threads_refused(programs, threads):
    with pytest.raises((ArgumentError, ArgumentTypeError), match="threads"):
        programs.relu()(X, threads=threads)


def test_progress_refused(programs):
    with pytest.raises(ArgumentTypeError, match="progress: expected a function, got 3"):
        programs.relu()(X, progress=3)
