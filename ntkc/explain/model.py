"""`ntkc explain model.ntk`: the recursion, what is computed, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ntkc.driver import FrontEnd, middle, middle_on_positions, on_positions
from ntkc.explain.depth import collapse_lines
from ntkc.explain.layout import amount, heading, table, wrapped
from ntkc.explain.notation import MAPS_IN_WORDS, PLAIN
from ntkc.explain.recursion import Group, Step, grouped, nngp_name, ntk_name, steps
from ntkc.explain.schedule import (
    moved_text,
    scratch_text,
    single_values,
)
from ntkc.explain.slices import schedule_work, summary
from ntkc.explain.words import activation_lines
from ntkc.ir.cost import cost
from ntkc.ir.module import Module
from ntkc.ir.node import topological
from ntkc.layers.base.activation import ActivationLayer
from ntkc.network.display import show_input, show_layer
from ntkc.passes.distances import has_distances
from ntkc.passes.expand import DUALS, complements_demanded
from ntkc.schedule.origins import describer
from ntkc.schedule.program import ProgramSchedule
from ntkc.schedule.work import tile_traffic, tile_work


def explain_model(
    front: FrontEnd, line: int | None = None, dtype: str = "float64", collapse: bool = True
) -> str:
    """A program's kernel in words; with `line`, only the layers on that line of its file."""
    found = steps(front.network)
    if line is not None:
        return "\n".join(_line(front, found, line)) + "\n"
    watcher = _Costs(front.module)
    if on_positions(front.module):
        return "\n".join(_on_positions(front, found, dtype, watcher)) + "\n"
    schedules = middle(front.module, dtype, watcher, collapse=collapse)
    lines = [
        *_title(front, found, dtype),
        *_recursion(front, list(grouped(found))),
        *_activations(front, found),
        *_values(front, schedules[dtype]),
        *(collapse_lines(watcher.folded, dtype) if collapse else ()),
        *_schedule(front, schedules, dtype),
        *_cost(watcher, schedules[dtype]),
    ]
    return "\n".join(lines) + "\n"


def _on_positions(front: FrontEnd, found: list[Step], dtype: str, watcher: _Costs) -> Iterator[str]:
    """The same for a network on positions: slices, their displacements, entries a pair."""
    program = middle_on_positions(front.module, dtype, watcher)
    yield from _title(front, found, dtype)
    yield from _recursion(front, list(grouped(found)))
    yield from _activations(front, found)
    yield from heading("Schedule")
    yield from wrapped(
        "In each line: the cells of a slice; the displacements p' - p at which values are needed, "
        "axis by axis; how many entries of a pair that is, of all; and the layers.",
        2,
    )
    yield ""
    for text in summary(program, describer({dtype: program})):
        yield f"  {text}" if text else text
    if has_distances(front.module):
        yield from wrapped(
            "inputs that nearly coincide: in float64, from their differences",
            2,
            4,
        )
    yield from heading("Cost")
    for roots, schedule in program.tiles.items():
        flops = schedule_work(schedule).flops
        yield from wrapped(
            f"a pair of {roots.replace('+', ' and ')}: {flops:,} flops for "
            f"{schedule.entries:,} entries",
            2,
            4,
        )


def _title(front: FrontEnd, found: list[Step], dtype: str) -> Iterator[str]:
    name = Path(front.program.main.source.name).name
    layers = amount(len(found), "layer")
    yield f"network `{front.network.name}` of {name}: {layers}, compiled for {dtype}"
    if front.network.parameters:
        values = ", ".join(f"{p.name} = {p.default:g}" for p in front.network.parameters)
        yield from wrapped(f"parameters of a call: {values}")


def _recursion(front: FrontEnd, groups: Sequence[Group]) -> Iterator[str]:
    yield from heading("The recursion")
    yield from wrapped(
        "Σ is the covariance of a layer's features at two inputs x and z (NNGP), "
        "Θ its tangent kernel (NTK)."
    )
    yield from _maps(groups)
    yield ""
    yield f"  {_input_text(front)}"
    last = 0
    for group in groups:
        size = len(group.steps)
        for step in group.steps:
            yield from _step(step)
        last = group.steps[-1].number
        if group.count > 1:
            end = last + size * (group.count - 1)
            what = "the layer before" if size == 1 else f"the {size} layers before"
            yield f"  ... layers {last + 1} to {end}: {what} {amount(group.count - 1, 'more time')}"
            last = end
    yield f"  the kernel: nngp = {nngp_name(last)}, ntk = {ntk_name(last)}"


def _input_text(front: FrontEnd) -> str:
    declared = front.network.input
    inner = "cosine of x and z" if declared.normalized else "xᵀz / size"
    own = nngp_name(0)
    if declared.kind != "vector":
        own, inner = f"{own}[i, j]", "x[i]ᵀz[j] / channels"
    return f"0  {show_input(declared)}:  {own} = {inner},  {ntk_name(0)} = 0"


def _maps(groups: Iterable[Group]) -> Iterator[str]:
    """What the recursion's maps on positions mean, in their order."""
    steps = [step for group in groups for step in group.steps]
    used = {node.op for node in topological(k for step in steps for k in (step.nngp, step.ntk))}
    words = [MAPS_IN_WORDS[op] for op in MAPS_IN_WORDS if op in used]
    if words:
        covariance = "K[i, j] is a covariance at the position i of x and j of z."
        yield from wrapped(" ".join([covariance, *words]))


def _step(step: Step) -> Iterator[str]:
    node = step.node
    assert node.layer is not None
    where = f"line {node.span.line}"
    yield from wrapped(
        f"{step.number}  {show_layer(node.layer)}   [{where}; shape {node.shape}; {node.features}]",
        2,
        5,
    )
    own, tangent = nngp_name(step.number), ntk_name(step.number)
    yield from wrapped(f"{own} = {PLAIN.write(step.nngp)}", 5, 9)
    yield from wrapped(f"{tangent} = {PLAIN.write(step.ntk)}", 5, 9)


def _activations(front: FrontEnd, found: Iterable[Step]) -> Iterator[str]:
    layers = (step.node.layer for step in found)
    bounds = {x.bound.key: x.bound for x in layers if isinstance(x, ActivationLayer)}
    if not bounds:
        return
    yield from heading("Activations")
    yield from wrapped(
        "dual[f] is E[f(u) f(v)] and dual_dot[f] is E[f'(u) f'(v)] for Gaussian u, v of variances "
        "p, q and covariance c, with theta = arccos(c/√(pq)); the diagonal is dual at c = q = p."
    )
    for bound in bounds.values():
        yield ""
        yield from activation_lines(bound, front.module.activations[bound.key].certificate)


def _values(front: FrontEnd, program: ProgramSchedule) -> Iterator[str]:
    yield from heading("What is computed")
    module = front.module
    rows = amount(len(program.table), "value")
    diagonals = "the two diagonals"
    yield from wrapped(f"For each input, once: {rows} in a table, and {diagonals}.", 2, 4)
    count = sum(n.op in DUALS for n in topological(module.roots.values()))
    if count == 0:
        yield from wrapped("For each pair: the inner product, scaled.", 2, 4)
    elif program.complement:
        yield from wrapped(f"For each pair: complements 1 - cos(angle), {_reason(module)}", 2, 4)
    else:
        yield from wrapped(
            "For each pair: covariances, which are accurate enough for few smooth activations.",
            2,
            4,
        )


def _reason(module: Module) -> str:
    """Why complements are carried: the first activation that needs them."""
    demanded = complements_demanded(module)
    if not demanded:
        return "because covariances of large inputs that nearly coincide have no digits in float32."
    for node in topological(module.roots.values()):
        if node.op in DUALS and node.args[0] in demanded:
            key = node.attr("activation")
            if module.activations[key].kinked:
                span = module.spans.get(node)
                where = "" if span is None else f" on line {span.line}"
                return (
                    f"because `{key}`{where} has a kink: at coincident inputs a covariance "
                    "loses half of its digits there."
                )
    return "because many activations in a row magnify the rounding of a covariance."


def _schedule(
    front: FrontEnd, schedules: Mapping[str, ProgramSchedule], dtype: str
) -> Iterator[str]:
    yield from heading("Schedule")
    program = schedules[dtype]
    describe = describer(schedules)
    tile = program.tiles["ntk"]
    for run in tile.runs:
        words = [describe(step) for step in run.steps[: run.period]]
        text = f"repeat {run.count} times: " if run.count > 1 else ""
        yield from wrapped(text + "; ".join(words), 2, 4)
    yield from wrapped(f"scratch of a thread: {scratch_text(program, dtype)}", 2, 4)
    wide = [kind for kind in schedules if kind != dtype]
    if wide:
        yield from wrapped(
            f"nearly coincident pairs are evaluated in {wide[0]}, all others in {dtype}", 2, 4
        )


class _Costs:
    """Watches the pipeline: what pairs and inputs cost after each pass."""

    def __init__(self, module: Module) -> None:
        self.rows: list[tuple[str, ...]] = [("pass", "ntk", "nngp", "both", "an input")]
        self._passes: set[str] = set()
        self.folded = module
        self("derive", module)

    def __call__(self, name: str, module: Module) -> None:
        if name in self._passes:  # the passes of a second number type
            return
        self._passes.add(name)
        if name == "fold":
            self.folded = module
        found = [cost(module, roots) for roots in (("ntk",), ("nngp",), ("nngp", "ntk"))]
        pairs = [str(c.pair.flops) for c in found]
        self.rows.append((name, *pairs, str(found[2].row.flops)))


def _cost(watcher: _Costs, program: ProgramSchedule) -> Iterator[str]:
    yield from heading("Cost")
    yield "  flops for each pair after each pass, and for each input:"
    yield from table(watcher.rows, 4, right=(1, 2, 3, 4))
    for tile in program.tiles.values():
        moved = tile_traffic(tile)
        yield from wrapped(
            f"a pair of {' and '.join(tile.roots)}: {tile_work(tile).flops} flops, "
            f"{moved_text(moved)}; and the inner product",
            2,
            4,
        )
    yield from wrapped(f"an input: {single_values(program)} flops; and its norm", 2, 4)


def _line(front: FrontEnd, found: list[Step], line: int) -> Iterator[str]:
    main = front.program.main.source
    here = [step for step in found if step.node.span.source == main and line in _lines(step)]
    if not here:
        yield f"no layer of network `{front.network.name}` stands on line {line}"
        return
    shown = {step.node.span: step for step in reversed(here)}
    for step in sorted(shown.values(), key=lambda step: step.number):
        yield from _step(step)
        others = sum(s.node.span == step.node.span for s in here) - 1
        if others:
            yield f"     ... and {amount(others, 'more time')} by repetition"
    yield from _activations(front, shown.values())


def _lines(step: Step) -> range:
    span = step.node.span
    last = span.source.position(max(span.start, span.end - 1))[0]
    return range(span.line, last + 1)
