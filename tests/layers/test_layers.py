"""Every layer file keeps the contract: one class, declared arguments, documentation."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from ntkc import layers
from ntkc.layers.base import Layer, NumberParameter, Parameter, Shape
from ntkc.layers.base.known import PLANNED, WITHOUT_LIMIT
from ntkc.layers.base.parameters import LayersParameter

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "layers.md"


def test_the_folder_is_the_list() -> None:
    assert set(layers.names()) == {
        "add",
        "avg_pool",
        "concat",
        "conv",
        "conv_transpose",
        "dense",
        "dropout",
        "flatten",
        "global_avg_pool",
        "global_sum_pool",
        "identity",
        "layer_norm",
        "local_conv",
        "multiply",
        "normalize",
        "sum_pool",
    }


def test_an_unknown_word() -> None:
    for word in ("rnn", "base", "Dense", "../dense", ""):
        with pytest.raises(KeyError):
            layers.load(word)


def test_known_words_are_not_layers_yet() -> None:
    assert not set(layers.names()) & {*PLANNED, *WITHOUT_LIMIT}
    assert not set(PLANNED) & set(WITHOUT_LIMIT)


@pytest.mark.parametrize("name", layers.names())
class TestEach:
    def test_class(self, name: str) -> None:
        found = layers.load(name)
        assert issubclass(found, Layer)
        assert not inspect.isabstract(found)
        assert inspect.getdoc(found)
        assert layers.load(name) is found

    def test_parameters(self, name: str) -> None:
        declared: tuple[Parameter, ...] = layers.load(name).parameters
        names = [parameter.name for parameter in declared]
        assert len(set(names)) == len(names)
        assert sum(isinstance(p, LayersParameter) for p in declared) <= 1
        for parameter in declared:
            if isinstance(parameter, NumberParameter) and parameter.range is not None:
                assert parameter.range.reason
                assert parameter.default is None or parameter.default in parameter.range

    def test_documentation(self, name: str) -> None:
        text = DOCUMENTATION.read_text(encoding="utf-8")
        assert f"## `{name}" in text
        section = text.split(f"## `{name}", 1)[1].split("\n## ", 1)[0]
        for parameter in layers.load(name).parameters:
            if not isinstance(parameter, LayersParameter):
                assert f"`{parameter.name}" in section


def test_shapes_are_shown() -> None:
    assert str(Shape((), 7)) == "[7]"
    assert str(Shape((8, None), 3)) == "[8, ?, 3]"
    assert str(Shape((), None)) == "[?]"


def test_flatten_counts_positions() -> None:
    from ntkc.diagnostics import Source, Span

    layer = layers.load("flatten")("flatten", {}, Span(Source("t", ""), 0, 0))
    assert layer.shape((Shape((8, 6), 3),)) == Shape((), 144)
    assert layer.shape((Shape((8, None), 3),)) == Shape((), None)
    assert layer.shape((Shape((), 3),)) == Shape((), 3)
