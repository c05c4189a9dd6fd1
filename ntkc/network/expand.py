"""From a plan to a graph: every repetition and every branch becomes nodes."""

from __future__ import annotations

from ntkc.layers.base.values import BROKEN_FEATURES, BROKEN_SHAPE
from ntkc.network.graph import LayerNode
from ntkc.network.report import Report
from ntkc.network.trampoline import Step, run
from ntkc.network.validity import place
from ntkc.network.values import Plan, Poison, Repeat, Sequence, Single


def expand(plan: Plan, start: LayerNode, report: Report) -> LayerNode:
    """The node that the plan's last layer becomes, on the input `start`."""
    return run(_expand(plan, start, 0, report))


def _expand(plan: Plan, before: LayerNode, level: int, report: Report) -> Step[LayerNode]:
    match plan:
        case Sequence(parts=parts):
            for part in parts:
                before = yield _expand(part, before, level, report)
            return before
        case Repeat(body=body, count=count):
            for _ in range(count):
                before = yield _expand(body, before, level, report)
            return before
        case Single(layer=layer, branches=branches):
            inputs = [before]
            if branches:
                inputs = []
                for branch in branches:
                    inputs.append((yield _expand(branch, before, level + 1, report)))
            return place(layer, tuple(inputs), level, report)
        case Poison():
            return LayerNode(None, (before,), BROKEN_SHAPE, BROKEN_FEATURES, before.span, level)
