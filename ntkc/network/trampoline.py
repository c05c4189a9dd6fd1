"""Recursion without Python's stack: steps that yield the steps they wait for.

A program may nest as deep as our limits say, whatever the interpreter's recursion limit
is. A function that would call itself is written as a generator which yields the generator
of each call it wants made, and is sent the result:

>>> def length(pair):
...     if pair is None:
...         return 0
...     rest = yield length(pair[1])
...     return rest + 1
>>> pair = None
>>> for _ in range(5000):
...     pair = (0, pair)
>>> run(length(pair))
5000
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")

Step = Generator[Any, Any, T]
"""A computation of a `T` that yields the steps it waits for."""


def done(value: T) -> Step[T]:
    """A step that is over: what needed no waiting, where a step is expected."""
    return value
    yield  # makes this a generator


def run(step: Step[T]) -> T:
    """The step's result."""
    stack: list[Step[Any]] = [step]
    result: Any = None
    while stack:
        try:
            waiting_for = stack[-1].send(result)
        except StopIteration as over:
            stack.pop()
            result = over.value
        else:
            stack.append(waiting_for)
            result = None
    return result  # type: ignore[no-any-return]
