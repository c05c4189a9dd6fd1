"""Random networks on positions, for tests of generated code: every layer, every geometry.

The generator knows just enough of the rules to obey them: the space, whether features are Gaussian
with mean zero, and whether weights have to come next.
"""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

from ntkc.layers.base.known import AXES

KINDS = {1: "sequence", 2: "image", 3: "volume"}
MOST_CELLS = 40
"""Of a layer's output: the interpreter holds their square, and generated code runs as Python."""

ACTIVATIONS = (
    *("relu", "abs", "erf") * 2,
    "leaky_relu(slope = 0.2)",
    "abrelu(0.5, 2)",
    "rectified_monomial(2) -> normalize",
    "monomial(2) -> normalize",
    "gelu",
    "normalize -> sin",
    "normalize -> cos(0.9, 1.2, 0.1)",
    "normalize -> rbf(0.7)",
    "gaussian",
    "sigmoid_like",
)
"""One of each kind of formula; all of them are in `test_slice_activations.py`. Variances stay
moderate, or else what waves are functions of loses digits, in the interpreter too."""


class _Network:
    """Draws layers one after another, and follows their shape."""

    def __init__(self, draw: st.DrawFn, products: bool) -> None:
        self.draw = draw
        self.products = products
        self.rank = draw(st.sampled_from((1, 1, 2, 2, 2, 3)))
        longest = {1: 9, 2: 5, 3: 3}[self.rank]
        self.space = [draw(st.integers(1, longest)) for _ in range(self.rank)]
        self.input = [*self.space, draw(st.integers(1, 3))]
        self.counted = True
        """Whether the number of channels is known, as `parameterization = standard` needs it."""

    def one_of(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def sizes(self, low: int, high: int) -> list[int]:
        return [self.draw(st.integers(low, high)) for _ in range(self.rank)]

    def activation(self) -> str:
        return self.one_of(*ACTIVATIONS)

    # --- windows -----------------------------------------------------------------------

    def windows(self, name: str) -> str:
        """A convolution or a pool with windows that may be larger than all there is."""
        padding = self.one_of("valid", "same", "circular", "circular")
        size, stride, dilation = self.sizes(1, 4), self.sizes(1, 3), [1] * self.rank
        if "conv" in name:
            dilation = self.sizes(1, 2)
        if name == "conv_transpose":
            stride = [min(s, 2) for s in stride]
            found = [n * s for n, s in zip(self.space, stride, strict=True)]
            if padding == "valid":
                reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
                found = [n + max(r - s, 0) for n, r, s in zip(found, reach, stride, strict=True)]
        else:
            found = []
            for axis, n in enumerate(self.space):
                if padding == "circular" and n % stride[axis]:
                    stride[axis] = 1
                if padding == "valid":
                    dilation[axis] = min(dilation[axis], n)
                    size[axis] = min(size[axis], (n - 1) // dilation[axis] + 1)
                    reach_ = (size[axis] - 1) * dilation[axis] + 1
                    found.append((n - reach_) // stride[axis] + 1)
                else:
                    found.append(-(-n // stride[axis]))
        if prod(found) > MOST_CELLS:
            self.counted = self.counted and "pool" in name
            return "identity" if "pool" in name else "dense"
        self.space = found
        written = [_size(size), f"stride = {_size(stride)}", f"padding = {padding}"]
        if "conv" in name:
            written += [f"dilation = {_size(dilation)}", *self.weights()]
        return f"{name}({', '.join(written)})"

    def weights(self) -> list[str]:
        """Arguments of a layer with weights, those of training and of scale among them."""
        found = [f"b_std = {self.one_of('0', '0.3')}", f"w_std = {self.one_of('1', '1.4')}"]
        kind = self.draw(st.integers(0, 9))
        if kind == 0:
            found.append("trainable = false")
        if kind == 1:
            found.append("learning_rate = 0.5")
        if kind in (2, 3, 4) and self.counted:
            found.append("parameterization = standard, units = 3")
        self.counted = False
        return found

    def weighted(self) -> str:
        """A layer with weights: Gaussian features of mean zero come out of it."""
        name = self.one_of("conv", "conv", "conv", "conv_transpose", "local_conv", "dense")
        return f"dense({', '.join(self.weights())})" if name == "dense" else self.windows(name)

    def pool(self) -> str:
        return self.windows(self.one_of("avg_pool", "sum_pool"))

    # --- branches ----------------------------------------------------------------------

    def aligned(self, stride: str, padding: str = "same") -> str:
        """A convolution that gives as many positions as any other of this stride."""
        size = _size(self.sizes(1, 3))
        return f"conv({size}, stride = {stride}, padding = {padding}, b_std = 0.1)"

    def residual(self) -> str:
        """`identity` beside a branch of the same shape."""
        padding = self.one_of("same", "circular")
        inner = f"{self.activation()} -> {self.aligned('1', padding)}"
        return self.one_of(f"add({inner}, identity)", f"add(identity, {inner})")

    def projection(self) -> str:
        """Two branches with a stride, one of them through a single convolution."""
        stride = self.sizes(1, 2)
        inner = f"{self.activation()} -> {self.aligned(_size(stride))} -> {self.activation()}"
        self.space = [-(-n // s) for n, s in zip(self.space, stride, strict=True)]
        return (
            f"add({inner} -> {self.aligned('1')}, "
            f"conv({_size([1] * self.rank)}, stride = {_size(stride)}, padding = same))"
        )

    def hourglass(self) -> str:
        """`identity`, or weights of its own at every position, beside strides there and back."""
        stride = [self.draw(st.sampled_from([d for d in (1, 2, 3) if n % d == 0]))
                  for n in self.space]  # fmt: skip
        size, written = _size(self.sizes(1, 3)), _size(stride)
        back = f"conv_transpose({size}, stride = {written}, padding = same)"
        inner = f"{self.activation()} -> {self.aligned(written)} -> {self.activation()} -> {back}"
        beside = self.one_of("identity", f"local_conv({size}, padding = same)")
        return f"add({beside}, {inner})"

    def side_by_side(self) -> str:
        """Branches joined along an axis of space, where that does not get too large."""
        axis = self.draw(st.integers(0, self.rank - 1))
        if 2 * prod(self.space) > MOST_CELLS:
            return "identity"
        self.space[axis] *= 2
        branch = f"{self.activation()} -> {self.aligned('1')}"
        return f"concat({branch}, {self.aligned('1')}, axis = {AXES[self.rank][axis]})"

    def channels(self) -> str:
        """Branches joined along the channels, weighted by their numbers."""
        first, second = self.aligned("1"), self.aligned("1", "circular")
        return f"concat({first[:-1]}, units = 3), {second[:-1]}, units = 2))"

    def product(self) -> str:
        gate = f"{self.activation()} -> {self.aligned('1')}"
        return f"multiply({gate} -> {self.activation()}, identity)"

    # --- blocks ------------------------------------------------------------------------

    def linear(self) -> str:
        """What keeps Gaussian features Gaussian."""
        kind = self.one_of("norm", "norm", "pool", "residual", "projection", "space", "hourglass")
        if kind == "norm":
            axis = self.one_of("channel", "[space, channel]")
            return f"{self.one_of('layer_norm', 'normalize')}(axis = {axis})"
        if kind == "pool":
            return self.pool()
        if kind == "residual":
            return self.residual()
        if kind == "hourglass":
            return self.hourglass()
        return self.projection() if kind == "projection" else self.side_by_side()

    def nonlinear(self) -> str:
        """What makes them something else, or nothing."""
        kind = self.one_of("plain", "plain", "plain", "plain", "product", "channels", "identity")
        if kind == "product" and self.products:
            return f"{self.product()} -> dense -> {self.activation()}"
        if kind == "channels":
            return f"{self.channels()} -> dense -> {self.activation()}"
        return "identity" if kind == "identity" else self.activation()

    def after(self) -> str:
        kind = self.one_of("identity", "identity", "dropout(0.25)", "normalize", "pool")
        return self.pool() if kind == "pool" else kind

    def block(self) -> str:
        """Weights, sometimes more that is Gaussian, an activation, sometimes more."""
        layers = [self.weighted(), *(self.linear() for _ in range(self.draw(st.integers(0, 2))))]
        layers += [self.nonlinear(), self.after()]
        return " -> ".join(layer for layer in layers if layer != "identity")


def _size(extents: list[int]) -> str:
    return "x".join(map(str, extents))


@st.composite
def spatial_networks(draw: st.DrawFn, products: bool = True) -> str:
    """A program of some blocks, a global pool or `flatten`, and sometimes a readout."""
    network = _Network(draw, products)
    declared = f"{KINDS[network.rank]}[{', '.join(map(str, network.input))}]"
    first = draw(st.sampled_from(("identity", "identity", "identity", "normalize", "pool")))
    layers = [network.pool() if first == "pool" else first]
    layers += [network.block() for _ in range(draw(st.integers(1, 3)))]
    layers.append(draw(st.sampled_from(("flatten", "global_avg_pool", "global_sum_pool"))))
    layers.append(draw(st.sampled_from(("dense", "dense(b_std = 0.1) -> relu -> dense"))))
    body = "\n    ".join(layer for layer in layers if layer != "identity")
    return f"network net {{\n    input {declared}\n    {body}\n}}\n"
