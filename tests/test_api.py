"""What `import ntkc` offers, and what it says to wrong arguments."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ntkc

TEXT = "network net { input vector[3]; dense; relu; dense }\n"


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NTKC_CACHE_DIR", str(tmp_path / "cache"))


def test_importing_costs_nothing():
    script = (
        "import sys, ntkc; print(ntkc.__version__, "
        "[m for m in ('numpy', 'numba', 'sympy', 'lark') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{ntkc.__version__} []\n"


def test_every_public_name_exists():
    for name in ntkc.__all__:
        assert getattr(ntkc, name) is not None
        assert name in dir(ntkc)
    with pytest.raises(AttributeError, match="no attribute 'complie'"):
        _ = ntkc.complie


def test_submodules_do_not_replace_functions():
    import ntkc.api
    import ntkc.explain

    assert ntkc.explain is ntkc.api.explain


def test_compile_a_text():
    kernel = ntkc.compile(source=TEXT)
    expected = [[0.5, 0.15915494309189535], [0.15915494309189535, 0.5]]
    found = kernel(np.sqrt(1.5) * np.array([[1, 1, 0], [1, -1, 0]]), get="nngp")
    assert np.allclose(found, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("make", [str, Path])
def test_compile_a_file(tmp_path, make):
    path = tmp_path / "with space.ntk"
    path.write_text(TEXT)
    assert ntkc.compile(make(path)).source == TEXT


def test_compile_with_imports(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "part.ntk").write_text("let depth = 2\n")
    text = 'import "parts/part.ntk"\nnetwork net { input vector[3]; { dense; relu } * depth }\n'
    assert ntkc.compile(source=text, root=tmp_path).network == "net"
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "model.ntk").write_text(text.replace('"parts', '"../parts'))
    with pytest.raises(ntkc.ProgramError, match="E0208"):
        ntkc.compile(inner / "model.ntk")
    assert ntkc.compile(inner / "model.ntk", root=tmp_path).network == "net"
    assert ntkc.compile(inner / "model.ntk", allow=[tmp_path / "parts"]).network == "net"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "a path or source=..., got neither"),
        ({"path": "a.ntk", "source": TEXT}, TypeError, "a path or source=..., got both"),
        ({"path": TEXT}, TypeError, "pass it as source="),
        ({"path": 3}, TypeError, "path: expected a path, got int"),
        ({"source": b"x"}, TypeError, "source: expected a text, got bytes"),
        ({"path": "/"}, IsADirectoryError, "is a folder"),
        ({"path": "network n { input vector[3]; dense }"}, TypeError, "pass it as source=..."),
        ({"path": "nowhere.ntk"}, FileNotFoundError, "there is no file nowhere.ntk"),
        ({"source": TEXT, "dtype": "float46"}, ValueError, "did you mean 'float64'"),
        ({"source": TEXT, "dtype": object()}, TypeError, "dtype: expected 'float64' or"),
        ({"source": TEXT, "dtype": np.int32}, ValueError, "dtype: expected 'float64' or"),
        ({"source": TEXT, "backend": "cpus"}, ValueError, "did you mean 'cpu'"),
        ({"source": TEXT, "backend": "gpu"}, ValueError, "did you mean 'cuda'"),
        ({"source": TEXT, "backend": "opencl"}, ValueError, "'auto' or 'cpu' or 'cuda'"),
        ({"source": TEXT, "network": 3}, TypeError, "network: expected a name"),
        ({"source": TEXT, "network": "nets"}, ntkc.ProgramError, "did you mean `net`"),
        ({"source": TEXT, "allow": "folder"}, TypeError, "allow: expected several paths"),
        ({"source": "network"}, ntkc.ProgramError, "error"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        ntkc.compile(**arguments)


def test_a_missing_file_has_a_suggestion(tmp_path):
    (tmp_path / "model.ntk").write_text(TEXT)
    for name in ("model", "modle.ntk"):
        with pytest.raises(FileNotFoundError, match=r"did you mean model\.ntk\?"):
            ntkc.compile(tmp_path / name)


def test_program_errors_are_value_errors_with_diagnostics():
    with pytest.raises(ValueError, match="E0401") as caught:
        ntkc.compile(source="network net { input vector[3]; relu }")
    assert isinstance(caught.value, ntkc.ProgramError)
    (found,) = caught.value.diagnostics
    assert isinstance(found, ntkc.Diagnostic)


def test_check():
    assert ntkc.check(source=TEXT) == []
    assert [d.code for d in ntkc.check(source="network a { input vector[3]; relu }")] == ["E0401"]


def test_check_finds_the_mistakes_of_every_network():
    text = "network a { input vector[3]; relu }\nnetwork b { input vector[3]; erf }\n"
    assert [d.code for d in ntkc.check(source=text)] == ["E0401", "E0401"]
    assert [d.code for d in ntkc.check(source=text, network="b")] == ["E0401"]


def test_format():
    assert ntkc.format("network  net{ input vector[3]; dense }") == (
        "network net {\n    input vector[3]\n    dense\n}\n"
    )
    with pytest.raises(ntkc.ProgramError):
        ntkc.format("network {")


def test_explain():
    assert "net" in ntkc.explain(source=TEXT)
    assert ntkc.compile(source=TEXT).explain() == ntkc.explain(source=TEXT)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), "float32"])
def test_number_types_by_numpys_names(dtype):
    assert ntkc.compile(source=TEXT, dtype=dtype).dtype == np.float32
