"""The figures: plain data that goes to JSON and comes back."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine

BUSY_SHARE = 0.05
"""Above this share of the machine, other work has taken part in the figures."""


@dataclass
class SideRecord:
    """One side of one case. A side that failed keeps what it had and says why it stopped."""

    n: int
    versions: dict[str, str] = field(default_factory=dict)
    import_seconds: float | None = None
    compile_seconds: float | None = None
    first_call_seconds: float | None = None
    warm_seconds: list[float] = field(default_factory=list)
    resumed_seconds: list[float] = field(default_factory=list)
    """Of the calls before those, right after a pause."""
    compile_peak_mib: float | None = None
    call_peak_mib: float | None = None
    idle_cpu_share: float | None = None
    """CPU time burnt while the other sides had their turn, as a share of one core."""
    foreign_cpu_share: float | None = None
    """CPU time that went to anything but this side during its warm calls, of all cores."""
    error: str | None = None

    @property
    def warm_median(self) -> float | None:
        """The figure to compare: the median over the repetitions."""
        return statistics.median(self.warm_seconds) if self.warm_seconds else None

    @property
    def resumed_median(self) -> float | None:
        """A call after a pause, where that was measured."""
        return statistics.median(self.resumed_seconds) if self.resumed_seconds else None

    @property
    def seconds_an_entry(self) -> float | None:
        """What makes batches of different size comparable."""
        return None if self.warm_median is None else self.warm_median / self.n**2


@dataclass
class CaseRecord:
    """One case on all sides that took part, measured in one run."""

    name: str
    dtype: str
    input_shape: list[int]
    threads: int
    date: str
    sides: dict[str, SideRecord]
    difference: float | None = None
    """Between product and rival, over sampled entries, relative to the largest of them."""

    def ratio(self, numerator: str, denominator: str) -> float | None:
        """How many times longer one side takes than another, an entry of the Gram matrix."""
        above, below = self.sides.get(numerator), self.sides.get(denominator)
        if above is None or below is None:
            return None
        over, under = above.seconds_an_entry, below.seconds_an_entry
        return None if over is None or under is None else over / under

    @property
    def disturbed(self) -> bool:
        """Whether the machine was busy with something else during the warm calls."""
        shares = (side.foreign_cpu_share for side in self.sides.values())
        return any(share is not None and share > BUSY_SHARE for share in shares)


@dataclass
class Results:
    """All figures of one machine."""

    machine: Machine
    cases: dict[str, CaseRecord]

    def merged(self, records: Iterable[CaseRecord], order: Iterable[str]) -> Results:
        """With new records in place of old ones, in the case table's order.

        A case is replaced whole: figures of different runs were not taken in alternation. A case
        that the table no longer has is dropped.
        """
        cases = self.cases | {record.name: record for record in records}
        return Results(self.machine, {name: cases[name] for name in order if name in cases})

    def save(self, path: Path) -> None:
        """Write JSON, readable in a diff."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_rounded(asdict(self)), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path, machine: Machine) -> Results:
        """What `save` wrote, or no cases where there is no file yet."""
        if not path.exists():
            return cls(machine, {})
        values = json.loads(path.read_text())
        return cls(machine, {name: _case(case) for name, case in values["cases"].items()})


def _case(values: Mapping[str, Any]) -> CaseRecord:
    sides = {name: SideRecord(**side) for name, side in values["sides"].items()}
    return CaseRecord(**{**values, "sides": sides})


def _rounded(value: Any) -> Any:
    """Four significant digits: a clock's noise has no place in version control."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
