"""Threads, progress, exceptions, and BLAS's own threads."""

import _thread
import os
import threading
import time

import numpy as np
import pytest

from ntkc.runtime import blas
from ntkc.runtime.blas import single_threaded_blas
from ntkc.runtime.threads import Reporter, run_tasks


def blas_threads():
    from threadpoolctl import threadpool_info

    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def slow_tasks(count=10_000):
    """Tasks that would take minutes."""
    done = []

    def work(task):
        time.sleep(0.005)
        done.append(task)
        return 1

    return range(count), lambda: work, done


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_every_task_runs_once(threads):
    seen = []
    run_tasks(range(100), lambda: lambda task: seen.append(task) or 1, threads)
    assert sorted(seen) == list(range(100))


def test_each_thread_has_its_worker():
    owners = []

    def make_worker():
        owner = threading.get_ident()
        owners.append(owner)

        def work(task):
            assert threading.get_ident() == owner
            time.sleep(0.001)
            return 1

        return work

    run_tasks(range(60), make_worker, 3)
    assert len(set(owners)) == len(owners) == 3


def test_a_failing_task_stops_everything():
    tasks, make_worker, done = slow_tasks()
    main = threading.get_ident()

    def failing():
        work = make_worker()

        def attempt(task):
            if threading.get_ident() != main and task > 10:
                raise ZeroDivisionError("in a worker")
            return work(task)

        return attempt

    with pytest.raises(ZeroDivisionError, match="in a worker"):
        run_tasks(tasks, failing, 3)
    assert len(done) < 1000
    assert not any("_help" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("threads", [1, 3])
def test_what_progress_raises_stops_everything(error, threads):
    tasks, make_worker, done = slow_tasks()

    def progress(count, total):
        raise error

    with pytest.raises(error):
        run_tasks(tasks, make_worker, threads, Reporter(progress, len(tasks)))
    count = len(done)
    assert count < 1000
    time.sleep(0.03)
    assert len(done) == count


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interrupt_from_the_keyboard_stops_everything(threads):
    tasks, make_worker, done = slow_tasks()
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(tasks, make_worker, threads)
    timer.join()
    count = len(done)
    assert count < 2000
    time.sleep(0.03)
    assert len(done) == count


def test_progress_of_a_kernel(programs, rng):
    x = rng.standard_normal((200, 5))
    calls = []
    caller = threading.get_ident()

    def progress(done, total):
        assert threading.get_ident() == caller
        calls.append((done, total))

    kernel = programs.relu()
    kernel(x, progress=progress, threads=2)
    assert calls[-1] == (40_000, 40_000)
    assert [total for _, total in calls] == [40_000] * len(calls)
    assert calls == sorted(set(calls))
    calls.clear()
    kernel(np.empty((0, 5)), x, progress=progress)
    assert calls == [(0, 0)]


def test_reports_come_now_and_then(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    calls = []
    reporter = Reporter(lambda done, total: calls.append(done), 100)
    for done in range(1, 101):
        now[0] += 0.03
        reporter.update(done)
    reporter.finish()
    assert calls == sorted(set(calls))
    assert 20 < len(calls) < 35
    assert calls[-1] == 100


def test_an_interrupted_kernel_works_again(programs, rng, monkeypatch):
    from ntkc.runtime import threads as module

    monkeypatch.setattr(module, "_INTERVAL", 0.0)
    x = rng.standard_normal((400, 40))
    kernel = programs.relu()
    kernel(x)  # the first call loads a BLAS
    before = blas_threads()

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernel(x, progress=interrupt, threads=2, memory="3MB")
    assert blas_threads() == before
    np.testing.assert_allclose(kernel(x), programs.expected(x, x)["ntk"], atol=1e-13)


def test_exceptions_of_a_tile_function_arrive(programs, rng):
    def broken(*arguments):
        raise RuntimeError("broken tile")

    kernel = programs.linear(TILES={("ntk", "float64"): broken})
    with pytest.raises(RuntimeError, match="broken tile"):
        kernel(rng.standard_normal((900, 300)), threads=4)


def test_calls_from_several_threads(programs, rng):
    x = rng.standard_normal((350, 80))
    kernel = programs.relu()
    exact = kernel(x)
    before = blas_threads()
    failures = []

    def call():
        for _ in range(4):
            if not np.allclose(kernel(x, threads=2), exact, rtol=1e-12):
                failures.append("different values")

    callers = [threading.Thread(target=call) for _ in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures
    assert blas_threads() == before


def test_blas_limits_overlap_and_are_restored():
    before = blas_threads()
    with single_threaded_blas:
        with single_threaded_blas:
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert blas_threads() == before
    with pytest.raises(ZeroDivisionError), single_threaded_blas:
        raise ZeroDivisionError
    assert blas_threads() == before


def test_without_threadpoolctl(programs, rng, monkeypatch):
    monkeypatch.setattr(blas, "ThreadpoolController", None)
    x = rng.standard_normal((300, 80))
    found = programs.relu()(x, threads=2)
    np.testing.assert_allclose(found, programs.expected(x, x)["ntk"], atol=1e-13)


def test_a_system_that_refuses_threads(programs, rng, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    x = rng.standard_normal((600, 200))
    found = programs.relu()(x, threads=4)
    np.testing.assert_allclose(found, programs.expected(x, x)["ntk"], atol=1e-13)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_computes_too(programs, rng):
    x = rng.standard_normal((500, 200))
    kernel = programs.relu()
    exact = kernel(x, threads=2)
    with single_threaded_blas:
        child = os.fork()
        if child == 0:
            same = np.allclose(kernel(x, threads=2), exact, rtol=1e-12)
            os._exit(0 if same and single_threaded_blas._users == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0
