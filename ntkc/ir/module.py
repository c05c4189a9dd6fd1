"""A module of kernel IR: two quantities of a network, each across a pair and of one input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ntkc.diagnostics import Span
from ntkc.ir.node import Node

ENDLESS = 1e300
"""In the place of an infinite variance."""


@dataclass(frozen=True)
class Certificate:
    """What is known of forms that approximate: how they were made, and how good they are."""

    route: str
    error: float
    """Of Σ relative to sqrt(Σ11 Σ22), and of Σ̇ relative to sqrt(Σ̇11 Σ̇22): at most this much."""
    largest_variance: float
    """Up to which that holds; a program checks the variances that it meets."""
    terms: int


@dataclass(frozen=True)
class DualForms:
    """The closed forms of one activation as scalar formulas over symbols.

    `dual`, `dual_dot` are over `c, p, q` and the activation's parameters, `diagonal`,
    `diagonal_dot` over `p` and the parameters: exact limits at c = p = q.

    Homogeneous activations of degree n with a kink at 0 also have a `normalised` form.
    """

    name: str
    parameters: tuple[str, ...]
    dual: Node
    dual_dot: Node
    diagonal: Node
    diagonal_dot: Node
    complement: Node
    """1 - dual / sqrt(diagonal(p) diagonal(q)) without cancellation, over `eta` (the
    complement 1 - c/sqrt(pq) of the arguments), `p`, `q` and the parameters."""
    normalised: NormalisedDual | None = None
    certificate: Certificate | None = None
    """None for closed forms, which hold to roundings of p, q and c."""
    near: Node | None = None
    near_dot: Node | None = None
    """`dual` and `dual_dot` over `eta`, `p`, `q` and the parameters, for activations with kinks
    that have no `normalised` form: at coincident inputs c alone would cost half the digits."""

    end: Node | None = None
    """The variance from which on E[f^2] is infinite, over the parameters; `ENDLESS` or more for
    none, as None says too."""

    @property
    def kinked(self) -> bool:
        """Whether the forms have a branch point at coincident inputs."""
        return self.normalised is not None or self.near is not None


@dataclass(frozen=True)
class NormalisedDual:
    """dual = (pq)^(degree/2) kappa(eta), dual_dot = (pq)^((degree-1)/2) kappa_dot(eta).

    `kappa` and `kappa_dot` are over `eta` = 1 - c/sqrt(pq) and the parameters. They have
    a branch point at eta = 0, which is why such networks propagate eta itself.
    """

    degree: int
    kappa: Node
    kappa_dot: Node


class LazyForms(Mapping[str, DualForms]):
    """Forms by key, each derived when it is looked up: what was compiled before needs none."""

    def __init__(self, makers: Mapping[str, Callable[[], DualForms]]) -> None:
        self._makers = dict(makers)

    def __getitem__(self, key: str) -> DualForms:
        return self._makers[key]()

    def __contains__(self, key: object) -> bool:
        return key in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@dataclass(frozen=True)
class Parameter:
    """A `param` of the program: its name and default value."""

    name: str
    default: float


@dataclass(frozen=True)
class Input:
    """The declared input: kind (`vector`, ...), sizes (None: open), whether normalised."""

    kind: str
    sizes: tuple[int | None, ...]
    normalized: bool = False


@dataclass(frozen=True)
class Module:
    """One network as kernel IR.

    `roots` maps `nngp` and `ntk` (CROSS) and `nngp_diagonal` and `ntk_diagonal` (ROW) to
    nodes. `spans` says which part of the program a node came from.
    """

    name: str
    input: Input
    parameters: tuple[Parameter, ...]
    roots: Mapping[str, Node]
    activations: Mapping[str, DualForms] = field(default_factory=dict)
    spans: Mapping[Node, Span] = field(default_factory=dict, repr=False, compare=False)

    def with_roots(self, roots: Mapping[str, Node], spans: Mapping[Node, Span]) -> Module:
        """The same module with other roots, and the spans of their nodes."""
        return replace(self, roots=roots, spans=spans)
