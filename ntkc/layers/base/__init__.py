"""What layers are made of. A layer's own file imports from here alone."""

from ntkc.layers.base.layer import Layer, LayerError
from ntkc.layers.base.parameters import (
    BooleanParameter,
    LayersParameter,
    NumberParameter,
    Parameter,
    Range,
    SizeParameter,
    WholeParameter,
    WordParameter,
    WordsParameter,
)
from ntkc.layers.base.values import Covariance, Features, Origin, Shape

__all__ = [
    "BooleanParameter",
    "Covariance",
    "Features",
    "Layer",
    "LayerError",
    "LayersParameter",
    "NumberParameter",
    "Origin",
    "Parameter",
    "Range",
    "Shape",
    "SizeParameter",
    "WholeParameter",
    "WordParameter",
    "WordsParameter",
]
