"""The cost model counts operations where they are done."""

from __future__ import annotations

import pytest

from ntkc.ir.cost import WEIGHTS, Traffic, Work, cost, itemsize, operation_work, work
from ntkc.ir.module import Input, Module
from ntkc.ir.node import Node, Varies, const, make, param, topological
from ntkc.ir.ops import OPERATIONS
from ntkc.passes.pipeline import SHARED, run, vector_passes
from tests.backends.kernels import network, understood

ROW, COL, CROSS = (make("gram", varies=v) for v in ("ROW", "COL", "CROSS"))


def module(**roots: Node) -> Module:
    return Module("net", Input("vector", (7,)), (), roots)


def test_pairs_inputs_and_constants_are_told_apart() -> None:
    w = param("w") * param("w")
    found = cost(module(ntk=w * (CROSS + const(1.0)) + (ROW * ROW) * (COL * COL)))
    assert found.pair == Work(sums=2, products=2)
    assert found.row == Work(products=1)
    assert found.once == Work(products=1)


def test_shared_values_count_once() -> None:
    shared = make("sin", CROSS)
    assert cost(module(ntk=shared * shared)).pair == Work(products=1, functions=1)


def test_roots_are_chosen() -> None:
    both = module(nngp=CROSS + ROW, ntk=CROSS * ROW)
    assert cost(both).pair == Work(products=1)
    assert cost(both, ["nngp"]).pair == Work(sums=1)
    assert cost(both, ["nngp", "ntk"]).pair == Work(sums=1, products=1)


@pytest.mark.parametrize(("exponent", "products"), [(0, 0), (1, 0), (2, 1), (3, 2), (8, 3)])
def test_powers_are_repeated_squares(exponent: int, products: int) -> None:
    assert operation_work(make("power", CROSS, exponent=exponent)).products == products


def test_polynomials_are_horner_schemes() -> None:
    node = make("polynomial", CROSS, coefficients=(1.0, 2.0, 3.0))
    assert work([node]) == Work(sums=2, products=2)


def test_a_row_of_a_table_is_looked_up_number_by_number() -> None:
    node = make("octaves", CROSS, first=-2, bits=1, rows=4 * ((1.0, 2.0, 3.0),))
    assert work([node]) == Work(sums=4, products=3, choices=6, lookups=3)


def test_every_operation_has_a_cost() -> None:
    attributes = {"rows": ((1.0, 2.0),), "first": 0, "bits": 0}
    attributes |= {
        "exponent": 2,
        "degree": 1,
        "coefficients": (1.0, 2.0),
        "out": (3,),
        "size": (2,),
    }
    for name, operation in OPERATIONS.items():
        if name in ("dual", "dual_dot"):
            continue  # these stand for closed forms, which have costs of their own
        chosen = {a: attributes.get(a, 0.0) for a in operation.attributes}
        if "varies" in chosen:
            chosen["varies"] = "ROW"
        node = make(name, *(operation.arity or 0) * [CROSS], **chosen)
        assert operation_work(node).flops >= 0


def test_duals_cost_what_their_forms_do() -> None:
    derived = understood(network("dense -> erf -> dense")).module
    expanded = run(derived, SHARED)
    assert cost(derived, ["nngp"]).pair.functions == cost(expanded, ["nngp"]).pair.functions == 1


def test_flops_are_weighted() -> None:
    assert Work(1, 1, 1, 1, 1, 1, 1).flops == sum(WEIGHTS.values())
    assert str(Work(sums=2, roots=1)) == "2 sums, 1 roots"
    assert str(Work()) == "nothing"
    assert Work(sums=1) + Work(sums=2, roots=1) == Work(sums=3, roots=1)


def test_spelled_functions_cost_no_library_call() -> None:
    derived = understood(network("{ dense(b_std = 0.1) -> relu } * 3", "dense -> erf")).module
    spelled = run(run(derived, SHARED), vector_passes("float64"))
    assert cost(spelled, ["nngp", "ntk"]).pair.functions == 0


def test_folding_saves_work() -> None:
    derived = understood(network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 3")).module
    seen: dict[str, int] = {}

    def watch(name: str, after: Module) -> None:
        seen[name] = cost(after).pair.flops

    run(derived, SHARED, watch)
    assert seen["fold"] < seen["expand"]


def test_cost_grows_with_depth_linearly() -> None:
    flops = []
    for depth in (10, 20, 40):
        derived = understood(network(f"{{ dense(b_std = 0.1) -> relu }} * {depth}")).module
        spelled = run(run(derived, SHARED), vector_passes("float64"))
        flops.append(cost(spelled).pair.flops)
    assert flops[2] - flops[1] == 2 * (flops[1] - flops[0])


def test_constants_cost_nothing() -> None:
    assert work(topological([const(1.0), param("w"), make("product")])) == Work()


def test_traffic() -> None:
    assert (Traffic(1, 2, 3) + Traffic(loads=1)).total == 7
    assert itemsize("float32") == 4


def test_positions_count() -> None:
    pair, single = (make("gram", varies=v, space=(4, 3)) for v in ("CROSS", "ROW"))
    shape = Input("image", (4, 3, 2))

    def cost_of(value: Node) -> Work:
        found = cost(Module("net", shape, (), {"ntk": value}))
        return found.row if value.varies is Varies.ROW else found.pair

    assert cost_of(pair * 2.0) == Work(products=12 * 12)
    assert cost_of(single * 2.0) == Work(products=12)
    assert cost_of(make("sum_positions", pair)) == Work(sums=12 * 12)
    assert cost_of(make("mean_diagonal", pair)) == Work(sums=12)
    geometry = {"before": (0, 0), "circular": False, "size": (2, 2), "stride": (2, 1)}
    pooled = make("pool", pair, **geometry, divide="size", out=(2, 2))  # type: ignore[arg-type]
    assert cost_of(pooled) == Work(sums=4 * 4 * 4, products=4 * 4)
    window = make("window", single, **geometry, dilation=(1, 1), out=(2, 2))  # type: ignore[arg-type]
    assert cost_of(window) == Work(sums=2 * 4, products=4)
