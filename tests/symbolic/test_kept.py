"""The forms that are shipped are those that are derived."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from ntkc.activations import load
from ntkc.activations.base import Bound
from ntkc.ir.node import Node
from ntkc.symbolic import kept
from ntkc.symbolic.derive import dual_forms
from ntkc.symbolic.kept import FILE, kept_forms, worth_keeping


def test_the_file_is_what_is_derived_today() -> None:
    """Otherwise: python -m ntkc.symbolic.kept"""
    assert files("ntkc.symbolic").joinpath(FILE).read_text("utf-8") == kept.derived_text()


@pytest.mark.parametrize("bound", list(worth_keeping()), ids=lambda bound: bound.key)
def test_what_is_read_back_is_what_was_written(bound: Bound) -> None:
    assert kept_forms(bound) == dual_forms(bound)


def test_another_formula_under_the_name_is_derived() -> None:
    from ntkc.activations.relu import Relu

    class Other(Relu):
        def kappa(self, rho: Node, mu: Node) -> Node:
            return 2.0 * super().kappa(rho, mu)

    assert kept_forms(Other("relu").bind()) is None
    assert kept_forms(load("relu").bind()) is not None


def test_compiling_what_is_kept_imports_no_sympy() -> None:
    program = (
        "import sys, ntkc\n"
        "from ntkc.driver import Options, front_end, generate\n"
        "from ntkc.diagnostics import Source\n"
        "text = 'network n { input vector[3]; { dense(b_std = 0.1) -> relu -> dense -> erf } * 3'\n"
        "text += '; dense; leaky_relu(0.2); dense; hermite(2); dense }'\n"
        "for dtype in ('float64', 'float32'):\n"
        "    generate(front_end(Source('<text>', text), Options(dtype=dtype)), dtype)\n"
        "assert 'sympy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
