"""Compiled kernels: what they tell of themselves, and how they travel."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ntkc

X = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0], [1.0, 2.0, 3.0 + 1e-7]])


def test_attributes(cache_folder, text):
    kernel = ntkc.compile(source=text, dtype="float32")
    assert kernel.network == kernel.name == "net"
    assert kernel.source == text
    assert dict(kernel.sources) == {"<text>": text}
    assert dict(kernel.options) == {"network": "net", "dtype": "float32", "backend": "cpu"}
    assert kernel.generated == (kernel.path / "kernel.py").read_text()
    assert kernel.manifest["parameters"] == {"w_std": 1.5}
    assert kernel.manifest["input"] == "vector[3]"
    assert kernel.manifest["cost"]["ntk"]["flops"] > 0
    assert kernel.warnings == ()
    assert isinstance(kernel, ntkc.CompiledKernel)


def test_pickles_as_source(cache_folder, text):
    kernel = ntkc.compile(source=text)
    data = pickle.dumps(kernel)
    assert len(data) < 2000
    again = pickle.loads(data)
    assert np.array_equal(again(X, w_std=1.25), kernel(X, w_std=1.25))
    assert again.source == text


def test_copies(cache_folder, text):
    kernel = ntkc.compile(source=text)
    for again in (copy.copy(kernel), copy.deepcopy(kernel)):
        assert np.array_equal(again(X), kernel(X))


def test_pickles_with_its_imports(cache_folder, project, python):
    kernel = ntkc.compile(project)
    assert len(kernel.sources) == 2
    data = pickle.dumps(kernel)
    expected = kernel.diag(X)[0]
    for file in project.parent.rglob("*.ntk"):
        file.unlink()
    again = pickle.loads(data)
    assert again.sources == kernel.sources
    script = f"import pickle; print(pickle.loads({data!r}).diag({X.tolist()})[0])"
    assert float(python(script, NTKC_CACHE_DIR=str(cache_folder / "elsewhere"))) == expected


def test_a_copy_of_a_copy(cache_folder, project):
    kernel = ntkc.compile(project)
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(kernel))))
    assert again.path == kernel.path


def test_calls_from_several_threads(cache_folder, text):
    kernel = ntkc.compile(source=text)
    expected = kernel(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: kernel(X), range(16)):
            assert np.array_equal(found, expected)


@pytest.mark.parametrize("name", ["evil\nimport os.ntk", 'a"""b.ntk', "back\\slash.ntk", "ü.ntk"])
def test_no_file_name_becomes_code(cache_folder, tmp_path, text, name):
    path = tmp_path / name
    path.write_text(text)
    kernel = ntkc.compile(path)
    compile(kernel.generated, "kernel.py", "exec")
    assert kernel.generated.count('"""') % 2 == 0
    assert "\nimport os" not in kernel.generated
    place = kernel.save(tmp_path / "build")
    assert place.name.isidentifier()


def test_no_comment_becomes_code(cache_folder):
    text = 'network net {\n  input vector[3]\n  add(dense, # """\x0b import os\n dense)\n}\n'
    kernel = ntkc.compile(source=text)
    compile(kernel.generated, "kernel.py", "exec")


def test_no_import_replaces_code(cache_folder, tmp_path, text):
    (tmp_path / "kernel.py").write_text("let depth = 2\n")
    (tmp_path / "part.ntk").symlink_to(tmp_path / "kernel.py")
    (tmp_path / "model.ntk").write_text(
        'import "part.ntk"\nnetwork net { input vector[3]; { dense; relu } * depth; dense }\n'
    )
    kernel = ntkc.compile(tmp_path / "model.ntk")
    assert "let depth" not in (kernel.path / "kernel.py").read_text()
    assert (kernel.path / "imported" / "0.ntk").read_text() == "let depth = 2\n"


def test_a_cleared_cache_takes_nothing_from_a_kernel(cache_folder, tmp_path, text):
    from ntkc.artefact import cache

    kernel = ntkc.compile(source=text)
    cache.clear()
    assert "TILES" in kernel.generated
    assert kernel(X).shape == (3, 3)
    assert (kernel.save(tmp_path) / "kernel.py").exists()
