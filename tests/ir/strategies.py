"""Random kernel IR: any graph that can be built, and modules over it."""

from __future__ import annotations

from hypothesis import strategies as st

from ntkc.ir.module import Input, Module, Parameter
from ntkc.ir.node import Node, const, make, param
from ntkc.ir.ops import SCALAR

PARAMETERS = (Parameter("w_std", 1.5), Parameter("b", 0.1), Parameter("inf", 5e-324))
finite = st.floats(allow_nan=False, allow_infinity=False)
special = st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3])
numbers = st.one_of(special, finite)

_LEAVES = st.one_of(
    numbers.map(const),
    st.sampled_from([param(p.name) for p in PARAMETERS]),
    st.sampled_from([make("gram", varies=v) for v in ("ROW", "COL", "CROSS")]),
    st.sampled_from([make("product"), make("gram_complement"), make("inverse_size")]),
)
_PLAIN = sorted(name for name, op in SCALAR.items() if op.arity and not op.attributes)


@st.composite
def _operations(draw: st.DrawFn, arguments: st.SearchStrategy[Node]) -> Node:
    name = draw(st.sampled_from([*_PLAIN, "power", "kink", "polynomial", "carry", "dual"]))
    if name in ("power", "kink"):
        attribute = {"power": "exponent", "kink": "degree"}[name]
        return make(name, draw(arguments), **{attribute: draw(st.integers(0, 5))})
    if name == "polynomial":
        coefficients = draw(st.lists(numbers, min_size=1, max_size=4))
        return make(name, draw(arguments), coefficients=tuple(coefficients))
    if name == "dual":
        keys = st.sampled_from(["relu", "monomial(3)", "true", "a b\n\\ü"])
        return make(name, *(draw(arguments) for _ in range(3)), activation=draw(keys))
    arity = 1 if name == "carry" else SCALAR[name].arity
    assert arity is not None
    return make(name, *(draw(arguments) for _ in range(arity)))


nodes = st.recursive(_LEAVES, _operations, max_leaves=12)


@st.composite
def modules(draw: st.DrawFn) -> Module:
    """A module of random roots: it need not be sound."""
    names = draw(st.sets(st.sampled_from(["nngp", "ntk", "nngp_diagonal"]), min_size=1))
    sizes = draw(st.lists(st.one_of(st.none(), st.integers(1, 10**6)), max_size=3))
    return Module(
        name=draw(st.sampled_from(["net", "inf", "a b", "naïve", "network"])),
        input=Input(draw(st.sampled_from(["vector", "image"])), tuple(sizes), draw(st.booleans())),
        parameters=PARAMETERS,
        roots={name: draw(nodes) for name in sorted(names, reverse=draw(st.booleans()))},
    )
