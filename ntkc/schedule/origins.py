"""Which parts of a program a step came from: what comments in generated code say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ntkc.diagnostics.excerpt import quoted

if TYPE_CHECKING:
    from ntkc.schedule.program import ProgramSchedule, Step
    from ntkc.schedule.slices.program import SliceProgram, SliceStep


def describer(
    schedules: Mapping[str, ProgramSchedule] | Mapping[str, SliceProgram],
) -> Callable[[Step | SliceStep], str]:
    """Words for a step: the parts of the program that it came from."""
    spans = {node: span for s in schedules.values() for node, span in s.module.spans.items()}

    def describe(step: Step | SliceStep) -> str:
        found = {spans[node] for node in step.instance.body if node in spans}
        ordered = sorted(found, key=lambda span: (span.source.name, span.start))
        if not ordered:
            return "the input"
        where = quoted(Path(ordered[0].source.name).name)
        return f"{where}:{ordered[0].line}: " + " -> ".join(
            dict.fromkeys(quoted(" ".join(span.text.split())) for span in ordered)
        )

    return describe
