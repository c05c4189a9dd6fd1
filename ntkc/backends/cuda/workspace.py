"""What a pair leaves behind between kernels: slices in the workspace, and sums of packs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ntkc.backends.cuda.gathers import Gather
from ntkc.backends.spelling import Dialect
from ntkc.schedule.slices.packs import Block
from ntkc.schedule.slices.program import SliceProgram, SliceSchedule, input_space


class Workspace:
    """Where it lies, in numbers of a pair, and the tables of indices that kernels read."""

    def __init__(
        self,
        program: SliceProgram,
        schedule: SliceSchedule,
        blocks: Sequence[Block],
        dialect: Dialect,
    ) -> None:
        self.space, self.channels = input_space(program)
        self.prefix = schedule.name.replace("+", "_").upper()
        self.width = sum(prod(space) for _, space in schedule.rows)
        """Numbers of an input's table."""
        self.results = sum(prod(root.space) for root in schedule.roots)
        self.spatial = any(root.space for root in schedule.roots)
        """Whether results have positions, so that nothing is summed at the end."""
        self.gathers: dict[int, Gather] = {}
        self.store_at: dict[int, int] = {}
        self.total_at: dict[int, tuple[int, int]] = {}
        """Where the packs' sums of a total begin, and how many there are."""
        self.size = self.partials = 0
        self.tables: list[str] = []
        for segment, where in zip(schedule.segments, blocks, strict=True):
            for push in segment.pushes:
                if push.total is not None:
                    self.total_at[push.total] = self.partials, where.packs.count
                    self.partials += where.packs.count
                elif push.store is not None:
                    node = schedule.stores[push.store].node
                    name, zero = f"{self.prefix}_STORE_{push.store}", dialect.literal(0.0)
                    gather = Gather(node, push.source, where.packs, name, program.dtype, zero)
                    self.gathers[push.store] = gather
                    self.store_at[push.store] = self.size
                    self.size += gather.size
                    self.table(*gather.tables)

    def table(self, *lines: str) -> None:
        """Add tables of indices, each once."""
        self.tables += [line for line in lines if line not in self.tables]
