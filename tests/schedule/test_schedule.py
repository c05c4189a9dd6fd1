"""Schedules: what they compute, what they repeat, and what they never do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from ntkc.driver import middle
from ntkc.ir.node import Varies, topological
from ntkc.schedule.levels import crossing, cut, last_uses, level_numbers
from ntkc.schedule.program import MAX_PERIOD, ProgramSchedule, Schedule
from tests.backends.kernels import at_angles, network, uncompiled, understood
from tests.network.strategies import programs
from tests.passes.oracle import in_float64
from tests.schedule.simulator import Machine

SIZE = 5
_BASE = np.random.default_rng(11).standard_normal(SIZE)
FIRST = np.stack([_BASE, 0 * _BASE])
SECOND = np.concatenate([at_angles(_BASE, [0.0, 1e-6, 0.5, 2.0]), 0 * FIRST[:1]])


def scheduled(text: str, dtype: str = "float64") -> ProgramSchedule:
    return middle(understood(text).module, dtype)[dtype]


def layers(*lines: str) -> ProgramSchedule:
    return scheduled(network(*lines, size=SIZE))


def recursion(*lines: str) -> ProgramSchedule:
    """Layer by layer, where one function of the angle could do."""
    module = understood(network(*lines, size=SIZE)).module
    return middle(module, "float64", collapse=False)["float64"]


def check(program: ProgramSchedule) -> None:
    machine = Machine(program, FIRST, SECOND)
    expected = in_float64(program.module, FIRST, SECOND)
    for tile in program.tiles.values():
        for root, found in zip(tile.roots, machine.run(tile), strict=True):
            # The same operations in the same order: equal to the last bit.
            assert np.array_equal(np.broadcast_to(found, expected[root].shape), expected[root])


ZOO = {
    "alone": ["dense(b_std = 0.1)"],
    "relu": ["{ dense(w_std = 1.4, b_std = 0.1) -> relu } * 3", "dense"],
    "erf": ["{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 3", "dense"],
    "mixed": ["dense -> erf -> dense -> relu -> dense -> gelu"],
    "residual": ["dense", "add(identity, relu -> dense(b_std = 0.1)) * 4", "relu", "dense"],
    "branches": ["dense", "concat(relu -> dense(units = 3), erf -> dense(units = 2))", "dense"],
    "product": ["dense", "multiply(relu -> dense, erf -> dense, identity)", "dense -> relu"],
    "frozen": ["dense(trainable = false) -> relu -> dense(trainable = false)"],
    "constant": ["dense(w_std = 0, b_std = 1)"],
}


@pytest.mark.parametrize("name", ZOO)
def test_results(name: str) -> None:
    check(layers(*ZOO[name]))


@settings(deadline=None, max_examples=40)
@given(programs(size=SIZE))
def test_results_of_random_networks(text: str) -> None:
    check(scheduled(text))


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(programs(size=SIZE, layers=15))
def test_results_of_many_random_networks(text: str) -> None:
    check(scheduled(text))


# --- levels --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZOO)
def test_levels(name: str) -> None:
    """Inputs of a level are outputs of earlier ones; every value is an output once at most."""
    module = layers(*ZOO[name]).module
    roots = [module.roots["nngp"], module.roots["ntk"]]
    levels = cut(roots, crossing(roots))
    made: set[object] = set()
    for level in levels:
        assert set(level.inputs) <= made
        assert not made & set(level.outputs)
        made |= set(level.outputs)
    last = last_uses(levels)
    assert all(last[node] == k for k, level in enumerate(levels) for node in level.inputs
               if all(node not in after.inputs for after in levels[k + 1 :]))  # fmt: skip


def test_a_level_is_a_layer() -> None:
    program = layers("{ dense(b_std = 0.1) -> relu } * 7", "dense")
    numbers = level_numbers(crossing([program.module.roots["ntk"]]))
    assert max(numbers.values()) == 7
    assert sum(len(run.steps) for run in program.tiles["ntk"].runs) == 8


def test_values_of_single_inputs_are_tabled_once() -> None:
    program = layers("{ dense(b_std = 0.1) -> relu } * 3", "dense")
    assert all(node.varies is Varies.ROW for node in program.table)
    assert len(set(program.table)) == len(program.table)
    left = {n for n in topological(program.table) if n.varies is Varies.COL}
    assert not left


# --- repetition ----------------------------------------------------------------------------


def _shape(tile: Schedule) -> list[tuple[int, int]]:
    return [(run.period, run.count) for run in tile.runs]


def _repeats(tile: Schedule, period: int, least: int) -> None:
    assert len(tile.runs) <= 6
    found = max(tile.runs, key=lambda run: len(run.steps))
    assert found.period == period
    assert found.count >= least


@pytest.mark.parametrize(
    "layer",
    ["dense(w_std = sqrt(2)) -> relu", "dense(b_std = 0.1) -> relu", "dense(b_std = 0.1) -> erf"],
)
def test_depth_is_a_loop(layer: str) -> None:
    for tile in recursion(f"{{ {layer} }} * 200", "dense").tiles.values():
        _repeats(tile, 1, 190)
    sizes = [
        [len(recursion(f"{{ {layer} }} * {depth}", "dense").tiles[t].runs) for t in ("ntk", "nngp")]
        for depth in (20, 50)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("activation", ["hard_tanh", "clip(-1, 2)"])
def test_variances_made_of_variances_stay_one_entry(activation: str) -> None:
    """A sum of the variances of all layers before would be another one in each."""
    for tile in recursion(f"{{ dense(b_std = 0.1) -> {activation} }} * 12", "dense").tiles.values():
        _repeats(tile, 1, 9)


def test_alternating_layers_have_period_two() -> None:
    program = layers("{ dense(b_std = 0.1) -> relu -> dense -> erf } * 50", "dense")
    for tile in program.tiles.values():
        _repeats(tile, 2, 45)


def test_residual_blocks_repeat() -> None:
    program = layers("dense", "add(identity, relu -> dense(b_std = 0.1)) * 100", "relu", "dense")
    for tile in program.tiles.values():
        _repeats(tile, 1, 90)


def test_patterns_up_to_the_longest() -> None:
    chain = " -> ".join(f"dense(b_std = 0.{k + 1}) -> {a}" for k, a in enumerate(
        ["relu", "erf", "gelu", "abs", "sin", "rbf(0.5)", "gaussian"][:MAX_PERIOD]))  # fmt: skip
    tile = layers(f"{{ {chain} }} * 6", "dense").tiles["ntk"]
    assert max(run.period for run in tile.runs) == 7


def test_differing_numbers_become_constants() -> None:
    """Layers that differ in a number alone are one loop, the numbers come from a table."""
    lines = [f"dense(w_std = 1.{k}, b_std = 0.{k}) -> relu" for k in range(1, 9)]
    program = layers(" -> ".join(lines), "dense")
    _repeats(program.tiles["ntk"], 1, 6)
    same = layers("{ dense(w_std = 1.3, b_std = 0.3) -> relu } * 8", "dense")
    assert same.constants == ()
    check(program)


def test_parameters_are_constants() -> None:
    text = network("{ dense(w_std = w) -> erf } * 6", "dense", size=SIZE, before="param w = 1.4\n")
    program = scheduled(text)
    assert len(program.constants) <= 4
    check(program)


# --- slots ---------------------------------------------------------------------------------


def test_slots_do_not_grow_with_depth() -> None:
    for layer in ("dense(b_std = 0.1) -> relu", "dense -> erf", "add(identity, relu -> dense)"):
        counts = [layers("dense", f"{{ {layer} }} * {n}", "dense").slots for n in (5, 60)]
        assert counts[0] == counts[1] <= 4


def test_kernels_of_both_kinds_share_levels() -> None:
    program = layers("{ dense(b_std = 0.1) -> relu } * 5", "dense")
    both, ntk = program.tiles["nngp+ntk"], program.tiles["ntk"]
    assert _shape(both) == _shape(ntk)
    assert both.roots == ("nngp", "ntk")


def test_number_types_share_tables() -> None:
    front = understood(network("{ dense(b_std = 0.1) -> relu } * 3", "dense"))
    found = middle(front.module, "float32")
    assert set(found) == {"float32", "float64"}
    assert found["float32"].table == found["float64"].table
    assert found["float32"].constants == found["float64"].constants
    linear = understood(network("dense", "dense"))
    assert set(middle(linear.module, "float32")) == {"float32"}


def test_a_level_with_nothing_to_compute_leaves_no_loop() -> None:
    """`hermite(1)` is the identity: alone after a layer it hands on what is there."""
    text = network("dense -> hermite(1)")
    x = np.random.default_rng(2).standard_normal((4, 7))
    np.testing.assert_allclose(uncompiled(text)(x, get="nngp"), x @ x.T / 7, rtol=1e-14)
