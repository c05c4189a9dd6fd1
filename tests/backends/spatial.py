"""Random networks on positions, for tests of generated code: every geometry that is allowed."""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

KINDS = {1: "sequence", 2: "image", 3: "volume"}
MOST_CELLS = 40
"""Of a layer's output: the interpreter holds their square, and generated code runs as Python."""


class _Network:
    """Draws layers one after another, and follows their shape."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.rank = draw(st.sampled_from((1, 1, 2, 2, 2, 3)))
        longest = {1: 9, 2: 5, 3: 3}[self.rank]
        self.space = [draw(st.integers(1, longest)) for _ in range(self.rank)]
        self.input = [*self.space, draw(st.integers(2, 3))]

    def sizes(self, low: int, high: int) -> list[int]:
        return [self.draw(st.integers(low, high)) for _ in range(self.rank)]

    def windows(self, name: str, strided: bool = True) -> str:
        """A convolution or a pool with windows that may be larger than all there is."""
        padding = self.draw(st.sampled_from(("valid", "same", "circular", "circular")))
        size, stride = self.sizes(1, 4), self.sizes(1, 3) if strided else [1] * self.rank
        dilation = [1] * self.rank
        if name.endswith("conv") or name == "conv_transpose":
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
            return "identity"
        self.space = found
        written = [f"{name}({_size(size)}, stride = {_size(stride)}, padding = {padding}"]
        if "conv" in name:
            written.append(f"dilation = {_size(dilation)}")
            written.append(f"b_std = {self.draw(st.sampled_from((0, 0.3)))}")
            written.append(f"w_std = {self.draw(st.sampled_from((1, 1.4)))}")
        return ", ".join(written) + ")"

    def weighted(self) -> str:
        name = self.draw(st.sampled_from(("conv", "conv", "conv", "conv_transpose", "local_conv")))
        return self.windows(name)

    def activation(self) -> str:
        return self.draw(st.sampled_from(("relu", "erf", "abs")))

    def block(self) -> str:
        """Weights, an activation, and sometimes more."""
        layers = [self.weighted()]
        if layers == ["identity"]:
            return "identity"
        kind = self.draw(st.sampled_from(("plain", "plain", "pool", "norm", "dropout", "add")))
        if kind == "norm":
            axis = self.draw(st.sampled_from(("channel", "[space, channel]")))
            layers.append(f"layer_norm(axis = {axis})")
        if kind == "add":
            layers.append("add(relu -> conv(3, padding = same, b_std = 0.1), identity)")
        layers.append(self.activation())
        if kind == "dropout":
            layers.append("dropout(0.25)")
        if kind == "pool":
            layers.append(self.windows(self.draw(st.sampled_from(("avg_pool", "sum_pool")))))
        return " -> ".join(layers)


def _size(extents: list[int]) -> str:
    return "x".join(map(str, extents))


@st.composite
def spatial_networks(draw: st.DrawFn) -> str:
    """A program of some blocks, a global pool or `flatten`, and sometimes a readout."""
    network = _Network(draw)
    declared = f"{KINDS[network.rank]}[{', '.join(map(str, network.input))}]"
    layers = [network.block() for _ in range(draw(st.integers(1, 3)))]
    layers.append(draw(st.sampled_from(("flatten", "global_avg_pool", "global_sum_pool"))))
    layers.append(draw(st.sampled_from(("dense", "dense(b_std = 0.1) -> relu -> dense"))))
    body = "\n    ".join(layer for layer in layers if layer != "identity")
    return f"network net {{\n    input {declared}\n    {body}\n}}\n"
