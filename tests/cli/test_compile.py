"""`ntkc compile`."""

import importlib
import io
import sys
from types import SimpleNamespace

import pytest


def test_a_package(ntkc, folder):
    done = ntkc("compile", "model.ntk", "-o", "out put")
    assert done.status == 0
    assert done.err == ""
    assert done.out.startswith("out put/model: network `net`, vector[3], float64\n")
    assert "sys.path.insert(0, 'out put')" in done.out
    assert "from model import kernel" in done.out
    assert "kernel(x1, w_std=1.5)" in done.out
    assert "flops for the NTK" in done.out
    assert (folder / "out put" / "model" / "_runtime" / "__init__.py").exists()


def test_what_it_prints_works(ntkc, folder, monkeypatch):
    (folder / "printed.ntk").write_text((folder / "model.ntk").read_text())
    ntkc("compile", "printed.ntk", "-o", "build")
    monkeypatch.syspath_prepend("build")
    kernel = importlib.import_module("printed").kernel
    assert kernel.diag([[1.0, 2.0, 3.0]]).shape == (1,)
    for name in [name for name in sys.modules if name.startswith("printed")]:
        del sys.modules[name]


def test_the_folder_is_build(ntkc, folder):
    assert ntkc("compile", "model.ntk", "--dtype", "float32").status == 0
    assert "DTYPE = 'float32'" in (folder / "build" / "model" / "kernel.py").read_text()


def test_mistakes(ntkc, folder):
    done = ntkc("compile", "bad.ntk")
    assert done.status == 1
    assert "error[E0401]" in done.err
    assert not (folder / "build").exists()


@pytest.mark.parametrize("name", ["numpy", "random", "class"])
def test_a_package_hides_no_module_that_it_needs(ntkc, folder, name):
    (folder / f"{name}.ntk").write_text((folder / "model.ntk").read_text())
    assert f"from {name}_ import kernel" in ntkc("compile", f"{name}.ntk").out


def test_something_else_is_there(ntkc, folder):
    (folder / "build" / "model").mkdir(parents=True)
    (folder / "build" / "model" / "notes.txt").write_text("")
    done = ntkc("compile", "model.ntk")
    assert done.status == 3
    assert "--force replaces it" in done.err
    assert ntkc("compile", "model.ntk", "--force").status == 0
    assert not (folder / "build" / "model" / "notes.txt").exists()


def test_nowhere_to_write(ntkc, folder):
    (folder / "file").write_text("")
    done = ntkc("compile", "model.ntk", "-o", "file")
    assert (done.status, done.err) == (2, "error: --output: file is not a folder\n")


def test_standard_input(ntkc, folder, monkeypatch):
    text = (folder / "model.ntk").read_text()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    assert ntkc("compile", "-").status == 0
    assert (folder / "build" / "net" / "__init__.py").exists()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"\xff")))
    done = ntkc("compile", "-")
    assert done.status == 3
    assert "not UTF-8" in done.err


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        ("ast", "NetworkDef"),
        ("network", "%1 = dense(w_std = w_std, b_std = 0.1) %0"),
        ("ir", "{activation=relu}"),
        ("schedule", "tiles start from complements"),
        ("latex", r"\theta"),
        ("python", "def tile_ntk_float64_"),
        ("llvm", "define"),
        ("asm", "ret"),
    ],
)
def test_stages(ntkc, folder, stage, part):
    done = ntkc("compile", "model.ntk", "--emit", stage)
    assert done.status == 0
    assert done.err == ""
    assert part in done.out
    assert not (folder / "build").exists()


def test_a_stage_to_a_file(ntkc, folder):
    done = ntkc("compile", "model.ntk", "--emit", "network", "-o", "network.txt")
    assert done.out == ""
    assert (folder / "network.txt").read_text().startswith("network net(")


def test_ir_after_a_pass(ntkc):
    before = ntkc("compile", "model.ntk", "--emit", "ir").out
    assert before == ntkc("compile", "model.ntk", "--emit", "ir", "--after", "derive").out
    after = ntkc("compile", "model.ntk", "--emit", "ir", "--after", "expand").out
    assert " dual " in before
    assert " dual " not in after


@pytest.mark.parametrize("level", range(1, 6))
def test_debug_levels(ntkc, folder, monkeypatch, level):
    monkeypatch.setenv("NTKC_DEBUG", str(level))
    monkeypatch.setenv("NTKC_DEBUG_DIR", str(folder / "dumped"))
    done = ntkc("compile", "model.ntk", "--no-cache")
    assert done.status == 0
    assert "ntkc: parse" in done.err
    assert ("after expand:" in done.err) == (level >= 2)
    assert ("flops" in done.err) == (level >= 3)
    written = {file.name for file in folder.glob("dumped/*")}
    assert ("01-expand.ir" in written) == (level >= 4)
    assert ("kernel.py" in written) == (level >= 4)
    assert ("tile_ntk_float64.ll" in written) == (level >= 5)


@pytest.mark.parametrize("level", ["", "no", "-1", "0"])
def test_no_debug_level(ntkc, monkeypatch, level):
    monkeypatch.setenv("NTKC_DEBUG", level)
    assert ntkc("compile", "model.ntk").err == ""
