"""Saved packages: they work moved, renamed, read-only, and without ntkc, SymPy and Lark."""

import json
import shutil
import textwrap

import numpy as np
import pytest

import ntkc

X = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0], [1.0, 2.0, 3.0 + 1e-7]])

SCRIPT = textwrap.dedent("""
    import importlib, pickle, sys

    class Refuse:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in ("ntkc", "sympy", "lark", "scipy", "threadpoolctl"):
                raise ModuleNotFoundError(name)

    sys.meta_path.insert(0, Refuse())
    import numpy as np
    model = importlib.import_module({name!r})
    x = np.array({x})
    found = model.kernel(x, get=("nngp", "ntk"), w_std=1.25)
    assert pickle.loads(pickle.dumps(model.kernel)) is model.kernel
    if {gram}:
        again = model.gram(x, get=("nngp", "ntk"), w_std=1.25)
        assert np.abs(np.array(again) - np.array(found)).max() < 1e-14
        cross = [f(x, x[:2], get=("nngp", "ntk")) for f in (model.gram, model.kernel)]
        assert np.allclose(*map(np.array, cross), rtol=1e-14, atol=0)
        assert np.array_equal(again.ntk, again.ntk.T)
        assert pickle.loads(pickle.dumps(model.gram)) is model.gram
    print(repr(np.array(found).tolist()))
""")


@pytest.fixture
def kernel(cache_folder, text):
    return ntkc.compile(source=text)


def script(name, gram=False):
    return SCRIPT.format(name=name, x=X.tolist(), gram=gram)


def test_what_stands_in_the_folder(kernel, tmp_path, text):
    place = kernel.save(tmp_path / "build")
    assert place == tmp_path / "build" / "net"
    assert {entry.name for entry in place.iterdir()} == {
        "__init__.py",
        "_runtime",
        "kernel.py",
        "manifest.json",
        "model.ntk",
        "parallel.py",
    }
    assert (place / "model.ntk").read_text() == text
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["abi"] == 1
    assert manifest["versions"]["ntkc"] == ntkc.__version__
    assert manifest["program"] == ["model.ntk"]
    assert manifest["options"] == {
        "dtype": "float64",
        "backend": "cpu",
        "tolerance": 1e-10,
    }
    assert not list((tmp_path / "build").glob(".*"))


def test_alone_moved_and_renamed(kernel, tmp_path, python):
    """Machine code that was kept under the first name comes along, and is in nobody's way."""
    kernel.save(tmp_path / "build")
    there = tmp_path / "there"
    there.mkdir()
    shutil.move(tmp_path / "build" / "net", there / "net")
    first = python(script("net", gram=True), PYTHONPATH=str(there))
    assert list((there / "net" / "__pycache__").glob("*.nbi"))
    shutil.move(there / "net", there / "other")
    second = python(script("other"), PYTHONPATH=str(there))
    assert first == second
    expected = np.array(kernel(X, get=("nngp", "ntk"), w_std=1.25))
    assert np.array_equal(np.array(json.loads(first)), expected)


def test_where_nothing_can_be_written(kernel, tmp_path, python):
    place = kernel.save(tmp_path / "build")
    for folder in (place, place / "_runtime"):
        (folder / "__pycache__").write_text("a file, so that no folder can be made")
    found = python(
        script("net"),
        PYTHONPATH=str(tmp_path / "build"),
        HOME="/proc/nowhere",
        XDG_CACHE_HOME="/proc/nowhere",
        NUMBA_CACHE_DIR="",
        NUMBA_DISABLE_JIT="0",
    )
    expected = np.array(kernel(X, get=("nngp", "ntk"), w_std=1.25))
    assert np.array_equal(np.array(json.loads(found)), expected)


def test_saved_again(kernel, tmp_path):
    place = kernel.save(tmp_path)
    (place / "__pycache__").mkdir()
    assert kernel.save(tmp_path) == place
    assert not (place / "__pycache__").exists()


def test_what_is_no_artefact_stays(kernel, tmp_path):
    (tmp_path / "net").mkdir()
    kernel.save(tmp_path)  # an empty folder is in nobody's way
    (tmp_path / "net" / "thesis.tex").write_text("")
    with pytest.raises(FileExistsError, match="is not a compiled kernel"):
        kernel.save(tmp_path)
    assert (tmp_path / "net" / "thesis.tex").exists()
    kernel.save(tmp_path, force=True)
    assert not (tmp_path / "net" / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("mlp.ntk", "mlp"),
        ("two words.ntk", "two_words"),
        ("3layers.ntk", "_3layers"),
        ("class.ntk", "class_"),
        ("résumé.ntk", "résumé"),
    ],
)
def test_names_of_packages(cache_folder, tmp_path, text, file, name):
    (tmp_path / file).write_text(text)
    assert ntkc.compile(tmp_path / file).save(tmp_path / "build").name == name


def test_several_networks_have_several_packages(cache_folder, tmp_path):
    (tmp_path / "two.ntk").write_text(
        "network a { input vector[3]; dense }\nnetwork b { input vector[3]; dense; relu }\n"
    )
    for network in "ab":
        kernel = ntkc.compile(tmp_path / "two.ntk", network=network)
        assert kernel.save(tmp_path / "build").name == f"two_{network}"


def test_imports_keep_their_places(cache_folder, tmp_path, project):
    place = ntkc.compile(project).save(tmp_path / "build")
    assert (
        place / "parts" / "blocks.ntk"
    ).read_text() == "def hidden = dense(b_std = 0.1) -> relu\n"
    again = ntkc.compile(place / "model.ntk")
    assert again.generated == ntkc.compile(project).generated


def test_another_abi_is_refused(kernel, tmp_path, python):
    place = kernel.save(tmp_path)
    text = (place / "kernel.py").read_text()
    (place / "kernel.py").write_text(text.replace("ABI = 1", "ABI = 999"))
    found = python(
        "try:\n    import net\nexcept ValueError as error:\n    print(error)",
        PYTHONPATH=str(tmp_path),
    )
    assert "was compiled for ABI 999" in found
