"""`import model` for a `.ntk` file."""

import importlib
import sys

import numpy as np
import pytest

import ntkc


@pytest.fixture(autouse=True)
def _hook(cache_folder, tmp_path, monkeypatch):
    modules = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    ntkc.install_import_hook()
    yield
    ntkc.uninstall_import_hook()
    for name in set(sys.modules) - modules:
        if name.startswith("hooked"):
            del sys.modules[name]


def test_one_network(tmp_path, text):
    (tmp_path / "hooked_one.ntk").write_text(text)
    module = importlib.import_module("hooked_one")
    assert module.__file__ == str(tmp_path / "hooked_one.ntk")
    assert module.kernel is module.net
    assert np.array_equal(module.kernel([[1, 2, 3]]), ntkc.compile(source=text)([[1, 2, 3]]))
    assert {"kernel", "net"} <= set(dir(module))
    assert module.__spec__.loader.get_source("hooked_one") == text


def test_several_networks(tmp_path):
    (tmp_path / "hooked_two.ntk").write_text(
        "network a { input vector[3]; dense }\nnetwork b { input vector[3]; dense; relu }\n"
    )
    module = importlib.import_module("hooked_two")
    assert module.a.network == "a"
    assert module.b.network == "b"
    with pytest.raises(AttributeError, match="no attribute 'kernel'"):
        _ = module.kernel


def test_modules_come_first(tmp_path, text):
    (tmp_path / "hooked_both.ntk").write_text(text)
    (tmp_path / "hooked_both.py").write_text("kernel = 'python'\n")
    assert importlib.import_module("hooked_both").kernel == "python"


def test_in_a_package(tmp_path, text):
    (tmp_path / "hooked_package").mkdir()
    (tmp_path / "hooked_package" / "__init__.py").write_text("")
    (tmp_path / "hooked_package" / "model.ntk").write_text(text)
    assert importlib.import_module("hooked_package.model").kernel.network == "net"


def test_reload(tmp_path, text):
    path = tmp_path / "hooked_again.ntk"
    path.write_text(text)
    module = importlib.import_module("hooked_again")
    assert module.kernel.parameters["w_std"] == 1.5
    path.write_text(text.replace("1.5", "1.25").replace("net {", "other {"))
    importlib.reload(module)
    assert module.kernel.parameters["w_std"] == 1.25
    assert not hasattr(module, "net")


def test_mistakes(tmp_path):
    (tmp_path / "hooked_bad.ntk").write_text("network net { input vector[3]; relu }\n")
    with pytest.raises(ntkc.ProgramError, match=r"E0401(.|\n)*hooked_bad.ntk:1:32"):
        importlib.import_module("hooked_bad")
    assert "hooked_bad" not in sys.modules


def test_a_second_hook_replaces_the_first(tmp_path, text):
    before = len(sys.meta_path)
    ntkc.install_import_hook(dtype="float32")
    assert len(sys.meta_path) == before
    (tmp_path / "hooked_single.ntk").write_text(text)
    assert importlib.import_module("hooked_single").kernel.dtype == np.float32


def test_uninstalled(tmp_path, text):
    (tmp_path / "hooked_off.ntk").write_text(text)
    ntkc.uninstall_import_hook()
    ntkc.uninstall_import_hook()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("hooked_off")
