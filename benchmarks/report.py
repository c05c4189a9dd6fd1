"""The figures as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.records import CaseRecord, Results, SideRecord

README = Path(__file__).with_name("README.md")
BEGIN = "<!-- results: written by `python -m benchmarks.run --update-readme` -->"
END = "<!-- end of results -->"

_WARM_HEADER = (
    "case", "n", "ntkc, s", "rival, s", "rival / ntkc", "floor, s", "ntkc / floor", "difference",
)  # fmt: skip
_COLD_HEADER = (
    "case", "ntkc: import", "compile", "first call", "after a pause", "peak MiB",
    "rival: import", "compile", "first call", "after a pause", "peak MiB",
)  # fmt: skip


def report(results: Results) -> str:
    """Everything there is to say about the results: machine, warm calls, start-up, notes."""
    records = list(results.cases.values())
    parts = [
        _machine_line(results.machine, records),
        "Warm calls, median:",
        _table(_WARM_HEADER, [_warm_row(record) for record in records]),
        "Start-up, and calls after a pause, in seconds; peak memory of compiling / calling, beyond "
        "imports and input:",
        _table(_COLD_HEADER, [_cold_row(record) for record in records]),
        *_notes(records),
    ]
    return "\n\n".join(parts)


def update_readme(results: Results) -> None:
    """Put the report between the README's two markers."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n\n{report(results)}\n\n{END}{after}")


def _machine_line(machine: Machine, records: Sequence[CaseRecord]) -> str:
    dates = sorted({record.date for record in records})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "never"
    threads = ", ".join(sorted({str(record.threads) for record in records}))
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.vectors}, "
        f"{machine.memory_gib:g} GiB; {machine.system}, Python {machine.python}; "
        f"threads: {threads}; measured {when}; {_versions(records)}."
    )


def _versions(records: Sequence[CaseRecord]) -> str:
    texts: dict[str, dict[str, None]] = {}
    for case in records:
        for side, record in case.sides.items():
            if record.versions:
                named = (f"{name} {version}" for name, version in record.versions.items())
                texts.setdefault(side, {})[", ".join(named)] = None
    return "; ".join(f"{side}: {' or '.join(each)}" for side, each in texts.items())


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _warm_row(record: CaseRecord) -> list[str]:
    product, rival, floor = (_side(record, side) for side in ("product", "rival", "floor"))
    mark = " *" if record.disturbed else ""
    return [
        record.name + mark,
        _sizes(record),
        _seconds(product.warm_median),
        _seconds(rival.warm_median),
        _times(record.ratio("rival", "product")),
        _seconds(floor.warm_median),
        _times(record.ratio("product", "floor")),
        "" if record.difference is None else f"{record.difference:.0e}",
    ]


def _cold_row(record: CaseRecord) -> list[str]:
    cells = [record.name]
    for side in (_side(record, "product"), _side(record, "rival")):
        cells += [
            _seconds(side.import_seconds),
            _seconds(side.compile_seconds),
            _seconds(side.first_call_seconds),
            _seconds(side.resumed_median),
            _peaks(side),
        ]
    return cells


def _side(record: CaseRecord, side: str) -> SideRecord:
    """A side's record; one that took no part has an empty one, and so empty cells."""
    return record.sides.get(side, SideRecord(n=0))


def _sizes(record: CaseRecord) -> str:
    sizes = dict.fromkeys(
        str(record.sides[side].n) for side in ("product", "rival") if side in record.sides
    )
    return " / ".join(sizes)


def _seconds(value: float | None) -> str:
    """Three significant digits, without an exponent."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def _peaks(side: SideRecord) -> str:
    peaks = (side.compile_peak_mib, side.call_peak_mib)
    return " / ".join(f"{peak:.0f}" for peak in peaks if peak is not None)


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}×"


def _notes(records: Sequence[CaseRecord]) -> list[str]:
    notes = []
    if any(record.disturbed for record in records):
        notes.append("\\* Other work ran on the machine during these calls: measure again.")
    errors = [
        f"- {record.name}, {name}: {side.error.splitlines()[0]}"
        for record in records
        for name, side in record.sides.items()
        if side.error is not None
    ]
    return notes + (["Failures:\n\n" + "\n".join(errors)] if errors else [])
