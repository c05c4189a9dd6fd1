"""Whether the limit of infinite width exists: the rules, and the place where they are asked.

Every layer answers for itself (`Layer.features`), from what is known of its inputs. What is
known, and the rules:

1. **Gaussian.** An activation's dual is an expectation over Gaussian pre-activations. A
   layer with weights (`dense`, `conv`, `local_conv`, `conv_transpose`) makes its outputs
   Gaussian, whatever went in; `identity`, pools (linear maps on positions, the same for every
   channel), `layer_norm`, `normalize` and a sum of Gaussian branches keep them so; an
   activation, `dropout`, a product, a concatenation of channels and `flatten` (which makes
   channels of positions: in both, channels are not alike) do not. The network's input is not
   Gaussian: it is not random at all.
2. **Mean zero.** `layer_norm` subtracts the features' mean, which Σ does not know: they must
   have mean zero. An activation's output counts as having a mean.
3. **Uncorrelated branches.** E[(a + b)(a' + b')] = E[a a'] + E[b b'] needs E[a b'] = 0. Let a
   branch be *centred* where, with all outside of it held fixed, it has mean zero over its own
   weights (it ends in `dense`, up to layers that only scale or drop, and everything added up
   in it does), and *own* where over its own weights its features are independent and alike
   (there is a `dense` in it on every path). Then two branches of `add` are uncorrelated where
   one is centred, or one is own and the other has mean zero at all. So
   `add(identity, relu -> dense)` has a limit after a `dense`, and so has
   `add(identity, dense -> relu)`; `add(identity, identity)`, `add(identity, relu)` and
   `add(dense -> relu, dense -> relu)` have none of this form.
4. **Independent factors.** `multiply` needs all branches but one to be own; no mean matters.
5. **Concatenation** joins different channels, so it asks for nothing. Over a spatial axis it joins
   the positions of one channel: between branches the covariance is 0 only where they are
   uncorrelated, as for `add`.
6. **The input as a branch.** The input's features cannot grow in number, so no branch of
   `add` or `multiply`, or of `concat` over a spatial axis, may be the input itself (scaled or
   pooled or not).
7. **Dropout** needs features to average over, so it cannot act on the input.

What is own or centred is relative to a join, and joins nest. `Features` keeps the innermost
level of nesting for which it holds, so that each layer costs the same however many there are.

A layer *value* used twice, by `let`, `def` or repetition, is two layers with weights of
their own each. No two places of a network ever share weights.
"""

from __future__ import annotations

from ntkc.diagnostics import Label
from ntkc.layers.base import Features, Layer, LayerError, Shape
from ntkc.layers.base.values import BROKEN_FEATURES, BROKEN_SHAPE
from ntkc.network.graph import LayerNode
from ntkc.network.report import Report


def place(layer: Layer, inputs: tuple[LayerNode, ...], level: int, report: Report) -> LayerNode:
    """The layer on its inputs; what does not fit or has no limit is reported, once."""
    shape = _shape(layer, inputs, report)
    features = _features(layer, inputs, level, report)
    return LayerNode(layer, inputs, shape, features, layer.span, level)


def _shape(layer: Layer, inputs: tuple[LayerNode, ...], report: Report) -> Shape:
    if any(before.shape.broken for before in inputs):
        return BROKEN_SHAPE
    try:
        return layer.shape(tuple(before.shape for before in inputs))
    except LayerError as error:
        _report(error, layer, report)
        return BROKEN_SHAPE


def _features(layer: Layer, inputs: tuple[LayerNode, ...], level: int, report: Report) -> Features:
    if len(inputs) > 1 and any(before.features.broken for before in inputs):
        return BROKEN_FEATURES
    try:
        features = tuple(before.features for before in inputs)
        return layer.features(features, tuple(before.shape for before in inputs), level)
    except LayerError as error:
        _report(error, layer, report)
        return BROKEN_FEATURES


def _report(error: LayerError, layer: Layer, report: Report) -> None:
    report.error(
        error.code,
        error.message,
        layer.span,
        error.label,
        secondary=tuple(Label(origin.span, origin.text) for origin in error.because),
        help=error.help,
    )
