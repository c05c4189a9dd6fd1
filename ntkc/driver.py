"""The way of a program, from text to source code: the one module that knows all stages.

parse → resolve → derive → passes → schedule → emit

What follows, loading and calling, needs no compiler: see `ntkc.artefact` and `ntkc.runtime`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ntkc.debug import stage
from ntkc.diagnostics import Diagnostic, Diagnostics, Source
from ntkc.diagnostics.excerpt import quoted
from ntkc.ir.module import Module
from ntkc.ir.node import topological
from ntkc.network.derive import derive
from ntkc.network.graph import Network
from ntkc.network.resolve import resolve_program
from ntkc.syntax import ast
from ntkc.syntax.imports import Program, load

if TYPE_CHECKING:
    from ntkc.passes.differentiate import Variable
    from ntkc.passes.pipeline import Pass, Watcher
    from ntkc.schedule.program import ProgramSchedule
    from ntkc.schedule.slices.packs import Target
    from ntkc.schedule.slices.program import SliceProgram

DTYPES = ("float64", "float32")
BACKENDS = ("cpu", "cuda")
TOLERANCES = {"float64": 1e-10, "float32": 1e-6}
"""What activations without closed form are approximated to, unless an option says otherwise."""


@dataclass(frozen=True)
class Options:
    """What a compilation is asked for, besides the program."""

    network: str | None = None
    dtype: str = "float64"
    backend: str = "cpu"
    root: Path | None = None
    allow: tuple[Path, ...] = ()
    tolerance: float | None = None
    """Of activations without closed form; None for the number type's default."""

    sizes: tuple[int, ...] | None = None
    """Of an example, channels last, where the input leaves some of its positions open."""

    collapse: bool = True
    """Whether deep networks may become one fitted function of the angle."""

    vectors: bool = True
    """Whether loops over lanes of networks on positions are by explicit vectors."""

    @property
    def certified(self) -> float:
        """The tolerance that holds."""
        return TOLERANCES[self.dtype] if self.tolerance is None else self.tolerance


@dataclass(frozen=True)
class FrontEnd:
    """A program understood: its text, its network, and the recursion as kernel IR."""

    program: Program
    network: Network
    module: Module
    warnings: tuple[Diagnostic, ...]


def front_end(origin: Path | Source | Program, options: Options) -> FrontEnd:
    """Parse, resolve and derive. Raises `ProgramError` with everything found wrong, and
    `OpenSizesError` for a network on positions whose sizes are open.
    """
    program, network, warnings = understood(origin, options)
    with stage("derive"):
        module = derive(network, options.certified)
    return FrontEnd(program, network, module, warnings)


def understood(
    origin: Path | Source | Program, options: Options
) -> tuple[Program, Network, tuple[Diagnostic, ...]]:
    """Parse and resolve: the program, its network, warnings. Raises `ProgramError`."""
    diagnostics = Diagnostics()
    with stage("parse"):
        program = parsed(origin, options, diagnostics)
    network = None
    if program is not None:
        with stage("resolve"):
            network = resolve_program(program, diagnostics, options.network, options.sizes)
    diagnostics.raise_errors()
    if program is None or network is None:
        raise AssertionError("a program was refused without a diagnostic")
    return program, network, diagnostics.warnings


def parsed(
    origin: Path | Source | Program, options: Options, diagnostics: Diagnostics
) -> Program | None:
    """The program with its imports; None where anything was reported."""
    if isinstance(origin, Program):
        return origin
    return load(origin, diagnostics, options.root, options.allow)


def check(origin: Path | Source | str, options: Options | None = None) -> list[Diagnostic]:
    """Every diagnostic of a program: a path, a source, or the program's text.

    All its networks are checked, unless the options choose one.
    """
    source = Source("<text>", origin) if isinstance(origin, str) else origin
    options = options or Options()
    diagnostics = Diagnostics()
    program = parsed(source, options, diagnostics)
    if program is not None:
        chosen: list[str | None] = [options.network] if options.network else [*networks(program)]
        for name in chosen or [None]:
            resolve_program(program, diagnostics, name)
    return list(diagnostics)


def networks(program: Program) -> list[str]:
    """The names of the networks in the program's main file."""
    statements = program.main.file.statements
    found = [s.name.name for s in statements if isinstance(s, ast.NetworkDef)]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Derivatives:
    """Which kernel's derivatives are wanted, and by what: parameters, or `x1`."""

    root: str
    wrt: tuple[str, ...]


def middle(
    module: Module,
    dtype: str,
    watch: Watcher | None = None,
    derivatives: Derivatives | None = None,
    collapse: bool = True,
) -> Mapping[str, ProgramSchedule]:
    """Run the passes and schedule, for each number type that tiles are wanted in.

    With `derivatives`, there is one tile function, which makes a kernel and its derivatives.

    A float32 program that starts from complements also gets float64 tiles: rows with nearly
    coincident pairs are evaluated in those.
    """
    from ntkc.passes.pipeline import run, shared, vector_passes, with_derivatives
    from ntkc.schedule.program import schedule

    passes: tuple[Pass, ...] = shared(dtype)
    opposing = derivatives is None
    if derivatives is not None:
        passes = with_derivatives((derivatives.root,), variables(derivatives), dtype)
    with uncollected(), stage("passes"):
        made = run(module, passes, watch)
        modules = {dtype: run(made, vector_passes(dtype, collapse, opposing), watch)}
        if dtype == "float32" and starts_from_complements(made):
            modules["float64"] = run(made, vector_passes("float64", collapse, opposing))
    with uncollected(), stage("schedule"):
        if derivatives is None:
            return schedule(modules)
        return schedule(modules, *derivative_roots(made, derivatives))


def middle_on_positions(
    module: Module,
    dtype: str,
    watch: Watcher | None = None,
    derivatives: Derivatives | None = None,
    vectors: bool = True,
) -> SliceProgram:
    """`middle` for a network on positions: displacement slices."""
    from ntkc.passes.pipeline import run, shared, vector_passes, with_derivatives
    from ntkc.schedule.slices.build import slice_schedule

    passes: tuple[Pass, ...] = shared(dtype)
    if derivatives is not None:
        passes = with_derivatives((derivatives.root,), variables(derivatives), dtype)
    with uncollected(), stage("passes"):
        made = run(run(module, passes, watch), vector_passes(dtype), watch)
    with uncollected(), stage("schedule"):
        if derivatives is None:
            return slice_schedule(made, dtype, vectors=vectors)
        roots = derivative_roots(made, derivatives)[0]
        return slice_schedule(made, dtype, roots, vectors)


def middle_for_near_images(
    module: Module, watch: Watcher | None = None, vectors: bool = True
) -> SliceProgram | None:
    """`middle_on_positions` over squared distances, for inputs that nearly coincide; None where a
    network gains nothing by it. Always in float64.
    """
    from ntkc.passes.distances import has_distances
    from ntkc.passes.pipeline import DISTANT, run, vector_passes
    from ntkc.schedule.slices.build import slice_schedule

    if not has_distances(module):
        return None
    with uncollected(), stage("passes"):
        made = run(run(module, DISTANT, watch), vector_passes("float64"), watch)
    with uncollected(), stage("schedule"):
        return slice_schedule(made, "float64", vectors=vectors)


def on_positions(module: Module) -> bool:
    """Whether a network's values have positions: it is scheduled slice by slice."""
    return module.input.kind != "vector"


def variables(derivatives: Derivatives) -> tuple[Variable, ...]:
    """What the recursion is differentiated by."""
    from ntkc.passes.differentiate import PAIR, ROW, Variable

    if derivatives.wrt == ("x1",):
        return Variable(PAIR, leaf=True), Variable(ROW, leaf=True)
    return tuple(map(Variable, derivatives.wrt))


def derivative_roots(
    module: Module, derivatives: Derivatives
) -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """The roots of the one tile function, and the diagonals that it leaves to the table."""
    from ntkc.ir.verify import COMPLEMENT_ROOT

    rates = tuple(v.root(derivatives.root) for v in variables(derivatives))
    pair = (derivatives.root, *rates)
    if COMPLEMENT_ROOT in module.roots:
        pair += (COMPLEMENT_ROOT,)
    return {"+".join(pair): pair}, tuple(f"{rate}_diagonal" for rate in rates)


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collector of cycles: nodes form none, and a collection walks all of SymPy."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def starts_from_complements(module: Module) -> bool:
    """Whether the pairs' values begin as complements: see `ntkc.passes.expand`."""
    return any(node.op == "gram_complement" for node in topological(module.roots.values()))


def generate(
    front: FrontEnd,
    dtype: str,
    watch: Watcher | None = None,
    suffix: str = "",
    derivatives: Derivatives | None = None,
    vectors: bool = True,
) -> str:
    """The generated source of a program's kernel; `suffix` ends its functions' names."""
    if on_positions(front.module):
        program = middle_on_positions(front.module, dtype, watch, derivatives, vectors)
        return emitted_slices(front, program, suffix)
    return emitted(front, middle(front.module, dtype, watch, derivatives), dtype, suffix)


def emitted(
    front: FrontEnd, schedules: Mapping[str, ProgramSchedule], dtype: str, suffix: str = ""
) -> str:
    """The source of a program that has been scheduled."""
    from ntkc.backends.numba_cpu.emit import emit
    from ntkc.schedule.origins import describer

    with stage("emit"):
        return emit(schedules, dtype, describer(schedules), _header(front), suffix)


def emitted_tiles(
    front: FrontEnd, schedules: Mapping[str, ProgramSchedule], dtype: str, suffix: str = ""
) -> str:
    """The CUDA kernels of a program on vectors that has been scheduled."""
    from ntkc.backends.cuda.dense import emit_tiles
    from ntkc.schedule.origins import describer

    with stage("emit"):
        return emit_tiles(schedules, dtype, describer(schedules), _header(front), suffix)


def emitted_slices(front: FrontEnd, program: SliceProgram, suffix: str = "") -> str:
    """The source of a program on positions that has been scheduled."""
    from ntkc.backends.numba_cpu.slices import emit_slices
    from ntkc.schedule.origins import describer

    with stage("emit"):
        return emit_slices(program, describer({program.dtype: program}), _header(front), suffix)


def emitted_kernels(
    front: FrontEnd, program: SliceProgram, target: Target, suffix: str = ""
) -> str:
    """The CUDA kernels of a program on positions that has been scheduled."""
    from ntkc.backends.cuda.slices import emit_kernels
    from ntkc.schedule.origins import describer

    with stage("emit"):
        words = describer({program.dtype: program})
        return emit_kernels(program, words, _header(front), target, suffix)


def _header(front: FrontEnd) -> str:
    name = quoted(Path(front.program.main.source.name).name)
    return f"The kernel of network `{front.network.name}` of {name}, compiled by ntkc."
