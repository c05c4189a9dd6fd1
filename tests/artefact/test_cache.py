"""The cache: hits, misses, competition, damage, and places that cannot be written."""

import errno
import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import ntkc
from ntkc.artefact import build, cache, prepare
from ntkc.artefact.folder import write


@pytest.fixture
def built(monkeypatch):
    """The digests that are built while a test runs."""
    found = []
    original = prepare._build

    def counted(front, files, options, key, folder):
        found.append(key)
        original(front, files, options, key, folder)

    monkeypatch.setattr(prepare, "_build", counted)
    return found


@pytest.fixture(autouse=True)
def _fresh_fallback():
    yield
    cache._say_once.cache_clear()


def test_a_program_is_compiled_once(cache_folder, built, text):
    first = ntkc.compile(source=text)
    second = ntkc.compile(source=text)
    assert first.path == second.path == cache_folder / built[0]
    assert len(built) == 1
    assert first.generated == second.generated


def test_names_of_generated_functions_hold_the_digest(cache_folder, text):
    kernel = ntkc.compile(source=text)
    digest = kernel.manifest["digest"]
    assert f"def tile_ntk_float64_{digest}(" in kernel.generated
    assert kernel.program.tiles["ntk", "float64"].__name__ == f"tile_ntk_float64_{digest}"


def test_what_changes_the_digest(cache_folder, built, text):
    for change in (
        {"source": text},
        {"source": text.replace("1.5", "1.25")},
        {"source": text.replace("relu", "erf")},
        {"source": text.replace("vector[3]", "vector[?]")},
        {"source": text, "dtype": "float32"},
        {"source": "# moves every line\n" + text},  # the lines stand in generated comments
    ):
        ntkc.compile(**change)
    assert len(set(built)) == 6


def test_what_does_not_change_the_digest(cache_folder, built, text):
    ntkc.compile(source=text)
    ntkc.compile(source=text + "# at the end\n")
    ntkc.compile(source=text, backend="cpu", network="net")
    assert len(built) == 1


def test_no_cache(cache_folder, built, text):
    first = ntkc.compile(source=text, cache=False)
    second = ntkc.compile(source=text, cache=False)
    assert len(built) == 2
    assert not cache_folder.exists() or not list(cache.entries())
    assert first.path != second.path
    assert np.array_equal(first.diag([[1, 2, 3]]), second.diag([[1, 2, 3]]))


def test_eight_threads(cache_folder, built, text):
    barrier = threading.Barrier(8)
    found = []

    def work():
        barrier.wait()
        found.append(ntkc.compile(source=text).diag([[1.0, 2.0, 3.0]])[0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(built) == 1


_COMPETE = """
import sys, ntkc
sys.stdin.readline()
kernel = ntkc.compile(source=sys.argv[1], dtype=sys.argv[2])
print(kernel([[1, 2, 3], [0, 1, 0]])[0, 1])
"""


def test_four_processes(cache_folder, text):
    """Two number types compete for the machine code of the runtime's functions too."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _COMPETE, text, dtype],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(cache_folder / "numba")},
        )
        for dtype in ("float64", "float32", "float64", "float32")
    ]
    done = [process.communicate("\n", timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, done
    values = [float(out) for out, _ in done]
    assert values[0] == values[2]
    assert values[1] == values[3]
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    assert len(list(cache.entries())) == 2
    assert not list(cache_folder.glob(".writing-*"))


@pytest.mark.parametrize("damage", ["torn", "gone", "manifest", "nested", "file"])
def test_a_damaged_entry_is_built_again(cache_folder, built, text, damage):
    path = ntkc.compile(source=text).path
    if damage == "torn":
        (path / "kernel.py").write_text("import os; os.abort()")
    elif damage == "gone":
        (path / "kernel.py").unlink()
    elif damage == "nested":
        (path / "manifest.json").write_text("[" * 200_000)
    elif damage == "manifest":
        (path / "manifest.json").write_text("{")
    else:
        for file in sorted(path.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        path.rmdir()
        path.write_text("in the way")
    again = ntkc.compile(source=text)
    assert len(built) == 2
    assert again.path == path
    assert "def tile_ntk" in (path / "kernel.py").read_text()


def test_damaged_machine_code_is_compiled_again(cache_folder, text, python):
    script = f"import ntkc; print(ntkc.compile(source={text!r})([[1, 2, 3], [3, 2, 2]])[0, 1])"
    value = python(script)
    kept = [*cache_folder.rglob("*.nbc"), *cache_folder.rglob("*.nbi")]
    assert kept
    for file in kept:
        file.write_bytes(file.read_bytes()[:40])
    assert python(script) == value


def test_machine_code_of_networks_on_positions_is_kept(cache_folder, python):
    text = (
        "network net { input image[4, 4, 1]; conv(3x3) -> relu -> conv(1x1) -> flatten -> dense }"
    )
    script = (
        "import numpy as np, ntkc, sys\n"
        f"kernel = ntkc.compile(source={text!r})\n"
        "print(kernel(np.arange(32.0).reshape(2, 4, 4, 1)).tolist())\n"
        "made = next(m for n, m in sys.modules.items() if n.startswith('_ntkc_kernel'))\n"
        "run = made.TILES['nngp+ntk'][0]\n"
        "print(sum(run.stats.cache_hits.values()), sum(run.stats.cache_misses.values()))"
    )
    value, hits = python(script).splitlines()
    assert hits == "0 1"
    assert list(cache_folder.rglob("kernel.slices_nngp_ntk*.nbc"))
    assert python(script).splitlines() == [value, "1 0"]


def test_a_place_that_cannot_be_written(tmp_path, monkeypatch, text):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NTKC_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.warns(ntkc.CacheWarning, match="NTKC_CACHE_DIR"):
        kernel = ntkc.compile(source=text)
    assert kernel.diag([[0.0, 0.0, 1.0]]).shape == (1,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        assert ntkc.compile(source=text).path == kernel.path


def test_a_full_disk(cache_folder, monkeypatch, text):
    def full(artefact, folder, name, shipped):
        if folder.is_relative_to(cache_folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(artefact, folder, name, shipped)

    monkeypatch.setattr(build, "write", full)
    with pytest.warns(ntkc.CacheWarning, match="No space left"):
        kernel = ntkc.compile(source=text.replace("1.5", "1.75"))
    assert not kernel.path.is_relative_to(cache_folder)
    assert list(cache_folder.glob("*")) in ([], [cache_folder / "parser"])


def test_nobody_knows_where_home_is(monkeypatch, text):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache, "location", unknown)
    with pytest.warns(ntkc.CacheWarning, match="no home folder"):
        assert ntkc.compile(source=text).diag([[0.0, 0.0, 1.0]]).shape == (1,)


def test_what_died_is_swept_away(cache_folder, text):
    left = cache_folder / ".writing-abandoned"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    fresh = cache_folder / ".writing-fresh"
    fresh.mkdir()
    ntkc.compile(source=text)
    assert not left.exists()
    assert fresh.exists()


def test_clear_removes_programs_and_nothing_else(cache_folder, text):
    ntkc.compile(source=text)
    (cache_folder / "mine.txt").write_text("")
    assert cache.clear() == 1
    assert (cache_folder / "mine.txt").exists()
    assert cache.clear() == 0


def test_the_cache_is_where_the_platform_says(monkeypatch, tmp_path):
    from ntkc.artefact.location import location

    monkeypatch.delenv("NTKC_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert location() == tmp_path / "ntkc"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert location() == tmp_path / ".cache" / "ntkc"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert location() == tmp_path / "Library" / "Caches" / "ntkc"


def test_a_warm_compile_needs_no_passes_and_no_sympy(cache_folder, text, python):
    script = (
        f"import sys, ntkc; ntkc.compile(source={text!r})\n"
        "print([m for m in sys.modules if m == 'sympy' or m.startswith(('ntkc.symbolic', "
        "'ntkc.passes', 'ntkc.schedule', 'ntkc.backends'))])"
    )
    assert "ntkc.passes" in python(script)
    assert python(script).strip() == "[]"


def test_the_least_recently_used_go(cache_folder, text, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 3)
    long_ago = time.time() - 30 * 24 * 3600
    paths = [ntkc.compile(source=text.replace("1.5", f"1.{n}")).path for n in range(4)]
    assert len(list(cache.entries())) == 4  # all of today
    for age, path in enumerate(paths):
        os.utime(path, (long_ago + age, long_ago + age))
    ntkc.compile(source=text.replace("1.5", "1.0"))  # used again
    added = ntkc.compile(source=text.replace("1.5", "1.9")).path
    assert sorted(cache.entries()) == sorted([paths[0], paths[3], added])


def test_what_cannot_be_removed_stays(cache_folder, text, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 1)
    old = ntkc.compile(source=text).path
    os.utime(old, (0, 0))

    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(cache.Path, "replace", refused)
    cache._prune(cache_folder)
    assert [*cache.entries()] == [old]
