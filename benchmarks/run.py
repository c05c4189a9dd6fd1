"""Measure ntkc against its rival, print Markdown tables, and keep the figures as JSON.

Run it from the repository's root, in an environment with ntkc installed:

    python -m benchmarks.run --list
    python -m benchmarks.run --only 'fc-relu-*' --repetitions 5
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import cast

if __package__ in (None, ""):  # started as a script: make the package importable
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks import rival_environment
from benchmarks.cases import CASES, Case
from benchmarks.machine import available_cores, this_machine
from benchmarks.measure import Settings, measure_case
from benchmarks.protocol import RIVALS, SIDES, SideName
from benchmarks.records import Results
from benchmarks.report import report, update_readme
from benchmarks.worker_process import product_python

RESULTS = Path(__file__).resolve().with_name("results")


def parser() -> argparse.ArgumentParser:
    """The command line; its help is the manual."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "The sides take turns on one machine, each in a process of its own. The rival's\n"
            "environment is made on the first run (about 3 GB, from PyPI). Close everything\n"
            "else first: calls during which other work ran are marked with a star."
        ),
    )
    _add_selection(made)
    _add_measurement(made)
    _add_output(made)
    return made


def _add_selection(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("what to measure")
    group.add_argument("--list", action="store_true", help="list the cases, and stop")
    group.add_argument(
        "--only",
        metavar="PATTERN",
        action="append",
        help="cases whose name matches, slow ones too; shell wildcards; may be repeated",
    )
    group.add_argument("--slow", action="store_true", help="include the cases that take minutes")
    group.add_argument(
        "--sides",
        metavar="SIDE,...",
        type=_sides,
        default=SIDES,
        help=f"who takes part, in the order of turns (default: {','.join(SIDES)})",
    )


def _add_measurement(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("how to measure")
    group.add_argument(
        "-k",
        "--repetitions",
        metavar="K",
        type=_positive,
        default=9,
        help="warm calls a side (default: 9; some cases allow fewer)",
    )
    group.add_argument(
        "--threads",
        metavar="T",
        type=_positive,
        default=available_cores(),
        help="cores every side may use (default: all, here %(default)s)",
    )
    group.add_argument(
        "--settle",
        metavar="SECONDS",
        type=float,
        default=0.2,
        help="pause before each warm call (default: %(default)s)",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=1800.0,
        help="longest wait for one answer of a worker (default: %(default).0f)",
    )
    group.add_argument(
        "--rival-venv",
        metavar="PATH",
        type=Path,
        help="the virtual environment of neural-tangents, made or completed when it lacks the pins "
        "of rival_requirements.txt (default: a folder in the user's cache)",
    )
    group.add_argument(
        "--scikit-ntk-venv",
        metavar="PATH",
        type=Path,
        help="likewise that of scikit-ntk, by scikit_ntk_requirements.txt",
    )


def _add_output(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("where figures go")
    group.add_argument(
        "--machine",
        metavar="NAME",
        help="the machine's name: figures go to benchmarks/results/NAME.json "
        "(default: from the processor and the number of cores)",
    )
    group.add_argument("--dry-run", action="store_true", help="print figures, keep nothing")
    group.add_argument(
        "--report-only", action="store_true", help="measure nothing, print the kept figures"
    )
    group.add_argument(
        "--update-readme", action="store_true", help="put the tables into benchmarks/README.md"
    )


def _sides(text: str) -> tuple[SideName, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if unknown := [name for name in names if name not in SIDES]:
        raise argparse.ArgumentTypeError(f"no side called {', '.join(unknown)}")
    return cast(tuple[SideName, ...], names)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def selected(patterns: Sequence[str] | None, slow: bool) -> list[Case]:
    """The cases asked for; a pattern reaches slow ones too."""
    if patterns is None:
        return [case for case in CASES if slow or not case.slow]
    return [case for case in CASES if any(fnmatch(case.name, each) for each in patterns)]


def _settings(arguments: argparse.Namespace, cases: Sequence[Case]) -> Settings:
    pythons = {"product": product_python(), "floor": product_python()}
    given = {"neural-tangents": arguments.rival_venv, "scikit-ntk": arguments.scikit_ntk_venv}
    rivals = {case.rival for case in cases} if "rival" in arguments.sides else set()
    for rival in sorted(rivals):
        folder = given[rival] or rival_environment.default_folder(rival)
        pythons[RIVALS[rival]] = rival_environment.ensure(folder.expanduser().resolve(), rival)
    return Settings(
        sides=arguments.sides,
        pythons=pythons,
        repetitions=arguments.repetitions,
        threads=arguments.threads,
        settle_seconds=arguments.settle,
        timeout_seconds=arguments.timeout,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )


def _list_cases() -> None:
    for case in CASES:
        sizes = " / ".join(dict.fromkeys((str(case.product_n), str(case.rival_n))))
        print(f"{case.name:24} n = {sizes}{'  (slow)' if case.slow else ''}")


def _measure(arguments: argparse.Namespace, kept: Results, path: Path) -> Results:
    """Measure the selected cases; keep each as soon as it is there, since a run can be cut."""
    cases = selected(arguments.only, arguments.slow)
    settings = _settings(arguments, cases)
    results = Results(kept.machine, {})
    order = [case.name for case in CASES]
    for case in cases:
        record = measure_case(case, settings)
        results = results.merged([record], order)
        if not arguments.dry_run:
            kept.merged(results.cases.values(), order).save(path)
    return results


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks; the exit status tells whether every side succeeded."""
    arguments = parser().parse_args(words)
    if arguments.list:
        _list_cases()
        return 0
    machine = this_machine(arguments.machine)
    path = RESULTS / f"{machine.name}.json"
    results = Results.load(path, machine)
    if not arguments.report_only:
        try:
            results = _measure(arguments, results, path)
        except rival_environment.RivalEnvironmentError as error:
            sys.exit(f"error: {error}")
    print(report(results))
    if arguments.update_readme:
        update_readme(Results.load(path, machine))
    failed = any(side.error for case in results.cases.values() for side in case.sides.values())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
