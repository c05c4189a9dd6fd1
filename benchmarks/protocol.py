"""What the parent and a worker say to each other: one JSON object a line, strictly in turn.

This module is imported in the rival's environment too, so it needs the standard library alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

SideName = Literal["product", "rival", "floor"]
SIDES: tuple[SideName, ...] = ("product", "rival", "floor")

RivalName = Literal["neural-tangents", "scikit-ntk"]
RIVALS: Mapping[RivalName, str] = {"neural-tangents": "rival", "scikit-ntk": "scikit_ntk"}
"""The module in `sides/` that knows each rival."""
MODULES: tuple[str, ...] = ("product", "floor", *RIVALS.values())

Command = Literal["load", "prepare", "compile", "run", "sample"]


@dataclass(frozen=True)
class Job:
    """A case as one side sees it: all that a worker is told about what to compute."""

    source: str
    rival_builder: str
    rival_arguments: Mapping[str, str | int | float]
    floor: str | None
    n: int
    input_shape: tuple[int, ...]
    dtype: str
    threads: int
    seed: int

    def to_json(self) -> dict[str, Any]:
        """The job as plain JSON values."""
        return asdict(self) | {"rival_arguments": dict(self.rival_arguments)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Job:
        """The inverse of `to_json`; JSON has lists where a job has tuples."""
        return cls(**{**values, "input_shape": tuple(values["input_shape"])})
