"""Random valid programs on vectors, as text, for every test that wants networks.

The generator knows just enough of the validity rules to obey them: what it keeps is
whether the features are Gaussian, and whether a layer with weights has to come next.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

ACTIVATIONS = (
    "relu",
    "leaky_relu(slope = 0.2)",
    "abs",
    "erf",
    "gelu",
    "sin",
    "cos(0.9, 1.2, 0.1)",
    "gaussian",
    "rbf(0.7)",
    "exp_normalized",
    "sigmoid_like",
)
"""Activations whose duals stay in range however deep the network is."""

PARAMETERS = ("w_std", "b_std")


class _Writer:
    def __init__(self, draw: st.DrawFn, activations: Sequence[str], parameters: bool) -> None:
        self._draw = draw
        self._activations = activations
        self._parameters = parameters
        self.used: set[str] = set()

    def one_of(self, *choices: str) -> str:
        return self._draw(st.sampled_from(choices))

    def number(self, name: str, *choices: str) -> str:
        if self._parameters and self._draw(st.integers(0, 4)) == 0:
            self.used.add(name)
            return self.one_of(name, f"{name} * 0.9", f"sqrt({name})")
        return self.one_of(*choices)

    def dense(self, units: int | None = None) -> str:
        arguments = []
        if self._draw(st.booleans()):
            arguments.append(f"w_std = {self.number('w_std', '0.8', '1.1', 'sqrt(2)')}")
        if self._draw(st.booleans()):
            arguments.append(f"b_std = {self.number('b_std', '0', '0.1', '0.5')}")
        if units is not None:
            arguments.append(f"units = {units}")
        if self._draw(st.integers(0, 9)) == 0:
            arguments.append(self.one_of("trainable = false", "learning_rate = 0.5"))
        return f"dense({', '.join(arguments)})" if arguments else "dense"

    def activation(self) -> str:
        return self.one_of(*self._activations)

    def after_gaussian(self, depth: int) -> tuple[str, bool]:
        """A layer that may follow Gaussian features, and whether the result is Gaussian."""
        kind = self.one_of("activation", "activation", "norm", "residual", "gate", "dense")
        if kind == "norm":
            return self.one_of("layer_norm", "normalize", "identity", "flatten"), True
        if kind == "dense":
            return self.dense(), True
        if kind == "residual" and depth > 0:
            inner = self.branch(depth - 1)
            return self.one_of(f"add(identity, {inner})", f"add({inner}, identity)"), True
        if kind == "gate" and depth > 0:
            return f"multiply({self.branch(depth - 1)} -> {self.activation()}, identity)", False
        return self.activation(), False

    def after_other(self, depth: int) -> tuple[str, bool]:
        """A layer that may follow features that are not Gaussian."""
        kind = self.one_of("dense", "dense", "dropout", "normalize", "join")
        if kind == "dropout":
            return f"dropout({self.one_of('0.1', '0.3')})", False
        if kind == "normalize":
            return "normalize", False
        if kind == "join" and depth > 0:
            widths = (self._draw(st.integers(1, 9)), self._draw(st.integers(1, 9)))
            return f"concat({self.dense(widths[0])}, {self.dense(widths[1])})", False
        return self.dense(), True

    def branch(self, depth: int) -> str:
        """A branch with weights of its own at its end."""
        return f"{self.activation()} -> {self.chain(depth, self._draw(st.integers(0, 2)), False)}"

    def chain(self, depth: int, length: int, gaussian: bool) -> str:
        parts = []
        for _ in range(length):
            part, gaussian = (self.after_gaussian if gaussian else self.after_other)(depth)
            parts.append(part)
        parts.append(self.dense())
        return " -> ".join(parts)

    def body(self, layers: int) -> list[str]:
        first = ["normalize"] if self._draw(st.integers(0, 5)) == 0 else []
        parts, gaussian = [*first, self.dense()], True
        for _ in range(self._draw(st.integers(0, layers))):
            part, gaussian = (self.after_gaussian if gaussian else self.after_other)(2)
            parts.append(part)
        if self._draw(st.booleans()):
            inner = f"{{ {self.dense()} -> {self.activation()} }}"
            parts.append(f"{inner} * {self._draw(st.integers(0, 3))}")
        if self._draw(st.booleans()):
            parts.append(self.dense())
        return parts


@st.composite
def programs(
    draw: st.DrawFn,
    layers: int = 6,
    activations: Sequence[str] = ACTIVATIONS,
    parameters: bool = True,
    size: int | None = None,
) -> str:
    """The text of a valid program: one network on vectors, perhaps with `param`s."""
    writer = _Writer(draw, activations, parameters)
    body = "\n    ".join(writer.body(layers))
    declared = "".join(
        f"param {name} = {'1.2' if name == 'w_std' else '0.3'}\n"
        for name in PARAMETERS
        if name in writer.used
    )
    columns = draw(st.integers(1, 9)) if size is None else size
    return f"{declared}network net {{\n    input vector[{columns}]\n    {body}\n}}\n"
