"""What other libraries call their layers and arguments, and what to write in a `.ntk` file."""

from __future__ import annotations

import re
from typing import Final

_DIMENSIONS: Final = re.compile(r"[123]d$")

_NO_WIDTH: Final = "layers are infinitely wide, so it has no width"
_WINDOW: Final = "its window alone, as in `conv(3x3)`, since layers are infinitely wide"

# Folded names (see `_folded`) → what stands for them here, and what else there is to say.
_LAYERS: Final = {
    **{
        name.replace("_", ""): (name, "")
        for name in (
            *("relu", "tanh", "sigmoid", "gelu", "elu", "selu", "silu", "mish", "softplus", "erf"),
            *("leaky_relu", "flatten", "dropout", "identity", "layer_norm"),
        )
    },
    "activation": ("", "an activation is a layer of its own: `dense -> relu`"),
    "adaptiveavgpool": ("global_avg_pool", ""),
    "affine": ("dense", _NO_WIDTH),
    "alphadropout": ("dropout", ""),
    "averagepooling": ("avg_pool", ""),
    "avgpool": ("avg_pool", ""),
    "batchnorm": ("batch_norm", ""),
    "batchnormalization": ("batch_norm", ""),
    "concatenate": ("concat", ""),
    "conv": ("conv", _WINDOW),
    "convolution": ("conv", _WINDOW),
    "convtranspose": ("conv_transpose", _WINDOW),
    "dense": ("dense", _NO_WIDTH),
    "embedding": ("dense", "on one-hot vectors it is an embedding"),
    "exponentiallinearunit": ("elu", ""),
    "fanout": ("", "every branch of `add(a, b)` gets the same input"),
    "faninsum": ("add", ""),
    "fc": ("dense", _NO_WIDTH),
    "fullyconnected": ("dense", _NO_WIDTH),
    "gap": ("global_avg_pool", ""),
    "globalaveragepooling": ("global_avg_pool", ""),
    "globalavgpooling": ("global_avg_pool", ""),
    "groupnorm": ("layer_norm", "it normalises every example by itself"),
    "gru": ("", "recurrent layers are not available yet"),
    "instancenorm": ("layer_norm", "it normalises every example by itself"),
    "lambda": ("", "name a nonlinearity with `activation f(z) = ..`"),
    "layernormalization": ("layer_norm", ""),
    "linear": ("dense", _NO_WIDTH),
    "locallyconnected": ("local_conv", _WINDOW),
    "logsoftmax": ("softmax", ""),
    "lstm": ("", "recurrent layers are not available yet"),
    "maxpool": ("max_pool", ""),
    "maxpooling": ("max_pool", ""),
    "multiheadattention": ("self_attention", ""),
    "prelu": ("leaky_relu", "its slope is a number, as in `leaky_relu(slope = 0.1)`"),
    "repeat": ("", "a layer is repeated by `*`: `{ dense -> relu } * 3`"),
    "reshape": ("", "the input's sizes say the shape; `flatten` makes a vector of it"),
    "residual": ("", "write `add(identity, ..)`: a layer and what goes around it"),
    "sequential": ("", "layers are composed by `->`: `dense -> relu -> dense`"),
    "serial": ("", "layers are composed by `->`: `dense -> relu -> dense`"),
    "skip": ("", "write `add(identity, ..)`: a layer and what goes around it"),
    "spatialdropout": ("dropout", ""),
    "swish": ("silu", ""),
    "zeropadding": ("", "write `padding = same` in the layer that it is for"),
}
_WORDS: Final = {
    "e": "write `exp(1)`",
    "inf": "a number is finite",
    "nan": "a number is finite",
    "None": "write `none`, or leave the argument out; an open size of an input is `?`",
    "null": "write `none`, or leave the argument out",
    "True": "write `true`",
    "yes": "write `true`",
    "on": "write `true`",
    "False": "write `false`",
    "no": "write `false`",
    "off": "write `false`",
    "full": "padding is `valid`, `same` or `circular`",
    "zeros": "`padding = same` puts zeros around",
    "reflect": "padding is `valid`, `same` or `circular`",
    "wrap": "write `padding = circular`",
}

_INFINITE: Final = "layers are infinitely wide: leave it out"
_ARGUMENTS: Final = {
    "activation": "an activation is a layer of its own: `dense -> relu`",
    "bias": "`b_std = 0`, the default, is no bias",
    "bias_initializer": "biases are Gaussian, with standard deviation `b_std`",
    "channels": _INFINITE,
    "data_format": "channels are last, always: leave it out",
    "features": _INFINITE,
    "filters": _INFINITE,
    "gain": "write `w_std`: sqrt(2) keeps the variance through `relu`",
    "groups": "grouped convolutions are not available: leave it out",
    "hidden": _INFINITE,
    "in_channels": _INFINITE,
    "in_features": _INFINITE,
    "input_dim": "the network's first line says it: `input vector[784]`",
    "input_shape": "the network's first line says it: `input image[32, 32, 3]`",
    "kernel_initializer": "weights are Gaussian, with standard deviation `w_std`",
    "lr": "write `learning_rate`: the factor of this layer's part of the tangent kernel",
    "name": "layers have no names",
    "num_filters": _INFINITE,
    "out_channels": _INFINITE,
    "out_dim": _INFINITE,
    "out_features": _INFINITE,
    "output_dim": _INFINITE,
    "use_bias": "`b_std = 0`, the default, is no bias",
    "width": _INFINITE,
}
# The same argument under other names, where the layer has the one on the right.
_SYNONYMS: Final = {
    "W_std": "w_std",
    "alpha": "slope",
    "dilation_rate": "dilation",
    "filter_shape": "k",
    "filter_size": "k",
    "kernel_size": "k",
    "negative_slope": "slope",
    "p": "rate",
    "pool_size": "k",
    "sigma_b": "b_std",
    "sigma_w": "w_std",
    "size": "k",
    "std": "w_std",
    "strides": "stride",
    "weight_std": "w_std",
    "bias_std": "b_std",
    "window": "k",
    "window_shape": "k",
}
_VARIANCES: Final = {
    "w_var": "w_std",
    "b_var": "b_std",
    "weight_var": "w_std",
    "bias_var": "b_std",
    "var": "w_std",
    "variance": "w_std",
    "sigma_w2": "w_std",
    "sigma_b2": "b_std",
}


def layer(name: str) -> tuple[str, str] | None:
    """The name here of what is called so elsewhere, empty if there is none, and a remark.

    >>> layer("nn.Conv2d")
    ('conv', 'its window alone, as in `conv(3x3)`, since layers are infinitely wide')
    """
    return _LAYERS.get(_folded(name))


def layer_help(name: str) -> str:
    """What to write for a layer of another library, or nothing."""
    found = layer(name)
    if found is None:
        return ""
    ours, remark = found
    if not ours:
        return remark
    return f"write `{ours}`: {remark}" if remark else f"write `{ours}`"


def word_help(name: str) -> str:
    """What to write for a word or a number of another language, or nothing."""
    return _WORDS.get(name, "")


def argument_help(name: str, known: tuple[str, ...]) -> str:
    """What to write for an argument of another library, or nothing; `known` are the layer's."""
    meant = _SYNONYMS.get(name)
    if meant in known:
        return f"write `{meant}`"
    meant = _VARIANCES.get(name)
    if meant in known:
        return f"write `{meant}`, the standard deviation: the root of the variance"
    return "" if name in known else _ARGUMENTS.get(name, "")


def _folded(name: str) -> str:
    last = name.rpartition(".")[2].lower().replace("_", "")
    return _DIMENSIONS.sub("", last)
