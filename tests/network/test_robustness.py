"""No program, however odd, makes the resolver fail in any other way than by a diagnostic."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkc.diagnostics import Diagnostics, Source
from ntkc.network.resolve import resolve_program
from ntkc.syntax import ast
from ntkc.syntax.parser import parse
from tests.network.programs import REFERENCE
from tests.network.strategies import programs
from tests.syntax.strategies import files

_WORDS = """
    dense relu erf exp sin sqrt add( multiply( concat( dropout( layer_norm normalize identity max(
    ( ) ( ) [ ] { } , -> * + ^ 0 1 2.5 -1 3x3 [1] w d f f(2) same none true w_std = units =
    if then else tanh conv softmax pi swish
""".split()  # noqa: SIM905


def _resolves_or_reports(file: ast.File) -> None:
    diagnostics = Diagnostics()
    network = resolve_program(file, diagnostics)
    assert (network is None) == diagnostics.has_errors


@settings(max_examples=150, deadline=None)
@given(files)
def test_any_tree(file: ast.File) -> None:
    _resolves_or_reports(file)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=12), st.sampled_from(["dense", "dense -> relu"]))
def test_any_words(words: list[str], first: str) -> None:
    text = (
        "param w = 2\nlet d = 3\ndef f(n = 1) = dense(w_std = n)\n"
        "activation swish(z, b = 1) = z * Phi(b * z)\n"
        f"network n {{ input vector[3]; {first} -> {' '.join(words)} }}"
    )
    file = parse(Source("test.ntk", text), Diagnostics())
    if file is not None:
        _resolves_or_reports(file)


@settings(max_examples=100, deadline=None)
@given(programs(), st.data())
def test_any_damage(text: str, data: st.DataObject) -> None:
    """Valid programs with one word put in place of another."""
    parts = text.split(" ")
    place = data.draw(st.integers(0, len(parts) - 1))
    parts[place] = data.draw(st.sampled_from(_WORDS))
    file = parse(Source("test.ntk", " ".join(parts)), Diagnostics())
    if file is not None:
        _resolves_or_reports(file)


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.ntk")), ids=lambda path: str(path.stem))
def test_reference_programs(path: object) -> None:
    file = parse(Source("test.ntk", (REFERENCE / str(path)).read_text()), Diagnostics())
    assert file is not None
    _resolves_or_reports(file)
