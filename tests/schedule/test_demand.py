"""Demand analysis: the exact displacements of every value, and the entries a pair that they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

import pytest
from hypothesis import given, settings

from ntkc.diagnostics import Source
from ntkc.driver import Options, front_end, middle_on_positions
from ntkc.ir.node import Node, Varies, topological
from ntkc.ir.positions import cells
from ntkc.schedule.slices.demand import Displacements, demand, entries, every, of_pairs
from tests.backends.spatial import spatial_networks
from tests.backends.test_slices import network

KEPT = ("gram", "window", "spread", "pool", "embed", "dual")


def nngp(text: str) -> Node:
    return front_end(Source("<test>", text), Options()).module.roots["nngp"]


def chain(body: str, input: str) -> list[Displacements]:
    """The demand of Σ of the input and of every layer behind it, in their order."""
    root = nngp(network(body, input))
    found = demand((root,))
    return [found[n] for n in of_pairs((root,)) if n.op in KEPT and n.space]


def by(step: int, size: int) -> tuple[int, ...]:
    """The multiples of a step within an axis."""
    return tuple(d for d in every(size) if d % step == 0)


def band(radius: int) -> tuple[int, ...]:
    return tuple(range(-radius, radius + 1))


CONV, NOTHING = "conv(3, padding = same)", (0,)


@pytest.mark.parametrize(
    ("size", "body", "expected"),
    [
        # `flatten` needs δ = 0, and so does everything before it; a stride changes nothing.
        (8, f"{CONV} -> relu -> {CONV} -> flatten", [NOTHING] * 4),
        (8, f"{CONV} -> conv(3, stride = 2, @) -> flatten", [NOTHING] * 3),
        # A global pool needs every displacement; strides before it multiply what is needed.
        (8, f"{CONV} -> global_avg_pool", [every(8)] * 2),
        (8, "conv(3) -> global_sum_pool", [every(6), every(6)]),
        (8, "conv(3, stride = 2, @) -> global_avg_pool", [by(2, 8), every(4)]),
        (8, "conv(3, stride = 3, @) -> global_avg_pool", [by(3, 8), every(3)]),
        (
            16,
            f"{CONV} -> conv(3, stride = 2, @) -> {CONV} -> conv(3, stride = 2, @)"
            " -> global_avg_pool",
            [by(4, 16), by(4, 16), by(2, 8), by(2, 8), every(4)],
        ),
        # A local pool needs a band about the multiples of its stride, pools before it a wider one.
        (8, f"{CONV} -> avg_pool(2) -> flatten", [band(1), band(1), NOTHING]),
        (8, f"{CONV} -> sum_pool(3, stride = 1) -> flatten", [band(2), band(2), NOTHING]),
        (8, f"{CONV} -> avg_pool(2) -> {CONV} -> avg_pool(2) -> flatten",
         [band(3), band(3), band(1), band(1), NOTHING]),
        (9, "avg_pool(2, stride = 3) -> global_avg_pool",
         [band(7), every(3)]),
        (12, "avg_pool(2, stride = 4) -> global_avg_pool",
         [(-9, -8, -7, -5, -4, -3, -1, 0, 1, 3, 4, 5, 7, 8, 9), every(3)]),
        (9, "avg_pool(1, stride = 4) -> global_avg_pool", [by(4, 9), every(3)]),
        # Dilation moves a window's cells, both copies of it alike: the displacement stays.
        (9, "conv(3, dilation = 2) -> global_avg_pool", [every(5), every(5)]),
        (9, "conv(3, dilation = 4, stride = 2, @) -> global_avg_pool", [by(2, 9), every(5)]),
        # Around a ring, δ and δ − n are the same: what is needed wraps around.
        (6, "conv(3, stride = 2, @@) -> global_avg_pool", [by(2, 6), every(3)]),
        (6, "conv(3, @@) -> avg_pool(2) -> flatten", [(-5, -1, 0, 1, 5), band(1), NOTHING]),
        (6, "conv(1) -> avg_pool(2, stride = 1, @@) -> flatten",
         [(-5, -1, 0, 1, 5), (-5, -1, 0, 1, 5), NOTHING]),
        # A transposed convolution asks for what its stride divides.
        (4, "conv(1) -> conv_transpose(2, stride = 2) -> avg_pool(3, stride = 1) -> flatten",
         [band(1), band(1), band(2), NOTHING]),
        (4, "conv(1) -> conv_transpose(2, stride = 2) -> flatten", [NOTHING] * 3),
        # `local_conv` needs p = p' alone, whatever comes behind it.
        (8, "conv(3) -> local_conv(2) -> global_avg_pool", [NOTHING, NOTHING, NOTHING]),
    ],
)  # fmt: skip
def test_one_axis(size: int, body: str, expected: list[tuple[int, ...]]) -> None:
    assert chain(body, f"sequence[{size}, 3]") == [(axis,) for axis in expected]


def test_every_axis_has_a_set_of_its_own() -> None:
    body = "conv(3, stride = 2x1, @) -> relu -> avg_pool(1x2) -> flatten"
    before, after = (NOTHING, band(1)), (NOTHING, NOTHING)
    assert chain(body, "image[8, 6, 3]") == [before, before, before, after]
    body = "conv(1x3x1, stride = 1x2x3, @) -> avg_pool(2x1x1) -> global_avg_pool"
    found = chain(body, "volume[4, 6, 9, 2]")
    assert found == [
        (every(4), by(2, 6), by(3, 9)),
        (every(4), every(3), every(3)),
        (every(2), every(3), every(3)),
    ]


def test_uses_are_united() -> None:
    """A value with two readers is needed at what either of them needs."""
    body = "conv(3, @) -> add(relu -> conv(1, stride = 3), conv(3, stride = 3, @)) -> flatten"
    assert all(axes == (NOTHING,) for axes in chain(body, "sequence[9, 2]"))
    body = "conv(1) -> add(relu -> avg_pool(2) -> conv(1), conv(2, stride = 2)) -> global_avg_pool"
    found = demand((nngp(network(body, "sequence[8, 2]")),))
    needed = {n.op: axes for n, axes in found.items() if n.op == "gram"}
    assert needed["gram"] == (every(8),)  # the pool's, although the stride's would be the even ones


def test_entries_of_a_pair() -> None:
    """Over a slice δ of an axis of n there are n − |δ|."""
    (before, after) = chain("conv(3, stride = 2, @) -> global_avg_pool", "image[8, 6, 3]")
    root = nngp(network("conv(3, stride = 2, @) -> global_avg_pool", "image[8, 6, 3]"))
    gram = next(n for n in of_pairs((root,)) if n.op == "gram")
    assert entries(gram, before) == (8 + 2 * (6 + 4 + 2)) * (6 + 2 * (4 + 2))
    window = next(n for n in of_pairs((root,)) if n.op == "window")
    assert entries(window, after) == 4**2 * 3**2


# --- against the dependencies themselves, entry by entry -----------------------------------


def test_two_stages_of_stride_two_are_sixteen_times_less() -> None:
    """As many times fewer entries at the input, where the margins of slices are left aside."""
    stages = "conv(3, stride = 2, @) -> relu -> conv(3, stride = 2, @) -> relu -> global_avg_pool"
    text = network(stages, "image[32, 32, 3]")
    schedule = middle_on_positions(
        front_end(Source("<test>", text), Options()).module, "float64"
    ).tiles["nngp"]
    assert schedule.entries == 256**2 + 128**2 + 64**2
    assert 32**4 / 256**2 == 16


Entry = tuple[tuple[int, ...], tuple[int, ...]]
"""Positions p and p'."""


def dependencies(root: Node) -> Mapping[Node, set[Entry]]:
    """The entries of every value that the root depends on, by what the maps mean."""
    order = list(of_pairs((root,)))
    found: dict[Node, set[Entry]] = {node: set() for node in order}
    if root.space:
        found[root] = {(p, p) for p in _positions(root)}
    for node in reversed(order):
        for arg in node.args:
            if arg in found and arg.space and node.op != "own":
                found[arg].update(_read(node, arg, found[node]))
    return found


def _positions(node: Node) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, node.space))


def _read(node: Node, arg: Node, wanted: set[Entry]) -> Iterable[Entry]:
    """The entries of an argument that some entries of a value are made of."""
    if node.op == "sum_positions":
        return set(itertools.product(_positions(arg), repeat=2))
    if node.op == "mean_diagonal":
        return {(p, p) for p in _positions(arg)}
    if node.op == "same_position":
        return {(p, q) for p, q in wanted if p == q}
    if node.op == "embed":
        start = node.attr("start")
        moved = {tuple(tuple(a - s for a, s in zip(p, start, strict=True)) for p in e)
                 for e in wanted}  # fmt: skip
        return {
            (p, q)
            for p, q in moved
            if all(0 <= a < n for e in (p, q) for a, n in zip(e, arg.space, strict=True))
        }
    if node.op not in ("window", "pool", "spread"):
        return wanted
    lying = node.space if node.op == "spread" else arg.space
    table = [cells(node, axis, size) for axis, size in enumerate(lying)]
    axes = [_read_along(node.op, rows.tolist(), node.space[a]) for a, rows in enumerate(table)]
    return {
        (tuple(p for p, _ in pairs), tuple(q for _, q in pairs))
        for e in wanted
        for pairs in itertools.product(
            *(axes[a].get((e[0][a], e[1][a]), ()) for a in range(len(axes)))
        )
    }


def _read_along(
    op: str, table: list[list[int]], size: int
) -> Mapping[tuple[int, int], set[tuple[int, int]]]:
    """Along one axis: (p, p') of the result -> (q, q') of the argument."""
    found: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for p, q in itertools.product(range(len(table)), repeat=2):
        if op == "pool":
            pairs = set(itertools.product(table[p], table[q]))
        else:
            pairs = set(zip(table[p], table[q], strict=True))
        inside = {(a, b) for a, b in pairs if a >= 0 and b >= 0}
        if op != "spread":
            found.setdefault((p, q), set()).update(inside)
        else:
            for pair in inside:
                found.setdefault(pair, set()).add((p, q))
    return found


def _displacements(node: Node, wanted: set[Entry]) -> Displacements:
    return tuple(tuple(sorted({q[a] - p[a] for p, q in wanted})) for a in range(len(node.space)))


@settings(max_examples=40, deadline=None)
@given(spatial_networks())
def test_nothing_that_is_read_is_missing(text: str) -> None:
    """Every entry that the kernel depends on has a displacement that is in the set."""
    root = nngp(text)
    found = demand((root,))
    for node, wanted in dependencies(root).items():
        if node.space and node.varies is Varies.CROSS:
            for axis, needed in zip(_displacements(node, wanted), found[node], strict=True):
                assert set(axis) <= set(needed)


EXACT = {
    "1-D": ("sequence[9, 2]", "conv(3, @) -> relu -> conv(3, stride = 2, @) -> global_avg_pool"),
    "band": ("sequence[8, 2]", "conv(3, @) -> avg_pool(2) -> conv(3, @) -> avg_pool(2) -> flatten"),
    "2-D": ("image[5, 4, 2]", "conv(3x2, stride = 2x1, @) -> relu -> avg_pool(1x2) -> flatten"),
    "3-D": ("volume[3, 2, 4, 2]", "conv(2x1x3, stride = 1x1x2, @) -> relu -> avg_pool(2x1x1)"
            " -> global_avg_pool"),
    "dilation": ("image[7, 3, 2]", "conv(2x1, dilation = 3x1) -> conv(2x1, stride = 2x1) ->"
                 " global_avg_pool"),
    "circular": ("image[4, 6, 2]", "conv(3, stride = 2x3, @@) -> relu -> avg_pool(1x2, @@)"
                 " -> flatten"),
    "transposed": ("sequence[4, 2]", "conv(1) -> conv_transpose(3, stride = 2) -> avg_pool(2)"
                   " -> flatten"),
    "local": ("image[3, 3, 2]", "conv(2, @) -> relu -> local_conv(2) -> relu -> global_avg_pool"),
    "two readers": ("sequence[8, 2]", "conv(1) -> add(relu -> avg_pool(2) -> conv(1),"
                    " conv(2, stride = 2)) -> flatten"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_nothing_else_is_in_the_set(name: str) -> None:
    """The displacements of the entries that the kernel depends on, and no others."""
    input, body = EXACT[name]
    root = nngp(network(body, input))
    found = demand((root,))
    for node, wanted in dependencies(root).items():
        if node.space:
            assert found[node] == _displacements(node, wanted), node.op


def test_values_of_one_input_are_not_of_pairs() -> None:
    """Below what an input has with itself, other functions ask."""
    text = network("avg_pool(2) -> conv(1) -> relu -> flatten", "sequence[6, 2]")
    assert any(n.op == "own" for n in topological((nngp(text),)))
    assert set(
        demand((nngp(text),))[next(n for n in of_pairs((nngp(text),)) if n.op == "gram")][0]
    ) == set(band(1))
