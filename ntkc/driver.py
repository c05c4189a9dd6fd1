"""The way of a program, from text to a kernel: the one module that knows all stages.

parse → resolve → derive → passes → schedule → emit → load
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ntkc.diagnostics import Diagnostic, Diagnostics, ProgramError, Source
from ntkc.ir.module import Module
from ntkc.ir.node import topological
from ntkc.network.derive import derive
from ntkc.network.graph import Network
from ntkc.network.resolve import resolve_program
from ntkc.passes.pipeline import SHARED, Watcher, run, vector_passes
from ntkc.schedule.program import ProgramSchedule, Step, schedule
from ntkc.syntax.imports import Program, load

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Options:
    """What a compilation is asked for, besides the program."""

    network: str | None = None
    dtype: str = "float64"
    backend: str = "cpu"
    root: Path | None = None
    allow: tuple[Path, ...] = ()


@dataclass(frozen=True)
class FrontEnd:
    """A program understood: its text, its network, and the recursion as kernel IR."""

    program: Program
    network: Network
    module: Module
    warnings: tuple[Diagnostic, ...]


def front_end(origin: Path | Source, options: Options) -> FrontEnd:
    """Parse, resolve and derive. Raises `ProgramError` with everything found wrong."""
    diagnostics = Diagnostics()
    program = load(origin, diagnostics, options.root, options.allow)
    network = None
    if program is not None:
        network = resolve_program(program, diagnostics, options.network)
    diagnostics.raise_errors()
    if program is None or network is None:
        raise AssertionError("a program was refused without a diagnostic")
    return FrontEnd(program, network, derive(network), diagnostics.warnings)


def check(origin: Path | Source | str, options: Options | None = None) -> list[Diagnostic]:
    """Every diagnostic of a program: a path, a source, or the program's text."""
    source = Source("<text>", origin) if isinstance(origin, str) else origin
    try:
        return list(front_end(source, options or Options()).warnings)
    except ProgramError as error:
        return list(error.diagnostics)


def middle(
    module: Module, dtype: str, watch: Watcher | None = None
) -> Mapping[str, ProgramSchedule]:
    """Run the passes and schedule, for each number type that tiles are wanted in.

    A float32 program that starts from complements also gets float64 tiles: rows with nearly
    coincident pairs are evaluated in those.
    """
    shared = run(module, SHARED, watch)
    modules = {dtype: run(shared, vector_passes(dtype), watch)}
    if dtype == "float32" and starts_from_complements(shared):
        modules["float64"] = run(shared, vector_passes("float64"))
    return schedule(modules)


def starts_from_complements(module: Module) -> bool:
    """Whether the pairs' values begin as complements: see `ntkc.passes.expand`."""
    return any(node.op == "gram_complement" for node in topological(module.roots.values()))


def generate(front: FrontEnd, dtype: str, watch: Watcher | None = None) -> str:
    """The generated source of a program's kernel."""
    from ntkc.backends.numba_cpu.emit import emit

    schedules = middle(front.module, dtype, watch)
    name = Path(front.program.main.source.name).name
    header = f"The kernel of network `{front.network.name}` of {name}, compiled by ntkc."
    return emit(schedules, dtype, describer(schedules), header)


def describer(schedules: Mapping[str, ProgramSchedule]) -> Callable[[Step], str]:
    """Words for a step: the parts of the program that it came from."""
    spans = {node: span for s in schedules.values() for node, span in s.module.spans.items()}

    def describe(step: Step) -> str:
        found = {spans[node] for node in step.instance.body if node in spans}
        ordered = sorted(found, key=lambda span: (span.source.name, span.start))
        if not ordered:
            return "the input"
        where = Path(ordered[0].source.name).name
        return f"{where}:{ordered[0].line}: " + " -> ".join(
            dict.fromkeys(" ".join(span.text.split()) for span in ordered)
        )

    return describe
