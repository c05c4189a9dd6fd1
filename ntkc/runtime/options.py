"""The options of a call: `get`, parameters, `threads`, `memory`."""

from __future__ import annotations

import math
import numbers
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from .errors import ArgumentError, ArgumentTypeError

ROOTS = ("nngp", "ntk")
DEFAULT_MEMORY = 256 * 2**20

_UNITS = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGT", start=1):
    _UNITS[_letter + "B"] = 1000**_power
    _UNITS[_letter + "IB"] = 1024**_power


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """A suggestion to append to a message, empty where no word is close.

    The compiler has its own (`ntkc.diagnostics`), which a shipped artefact does without.
    """
    close = get_close_matches(word, words, n=1) or get_close_matches(word.lower(), words, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def requested_roots(get: object, available: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The roots asked for, in their order, and whether a tuple was asked for.

    Raises `ArgumentError` or `ArgumentTypeError`.
    """
    if isinstance(get, str):
        words, several = [get], False
    elif isinstance(get, (tuple, list)) and get and all(isinstance(word, str) for word in get):
        words, several = list(get), True
    else:
        raise ArgumentTypeError(f'get: expected "ntk", "nngp" or a tuple of them, got {get!r}')
    for word in words:
        if word not in ROOTS:
            hint = did_you_mean(word, ROOTS)
            raise ArgumentError(f'get: {word!r} is neither "ntk" nor "nngp"{hint}')
        if words.count(word) > 1:
            raise ArgumentError(f"get: {word!r} is asked for {words.count(word)} times")
    together = "+".join(ordered(words))
    if together not in available:
        raise ArgumentError(
            f"get: this kernel was compiled without {together} (it has {', '.join(available)})"
        )
    return tuple(words), several


def ordered(roots: Iterable[str]) -> tuple[str, ...]:
    """Roots in the order that programs have them in."""
    return tuple(sorted(roots, key=ROOTS.index))


def parameter_values(
    name: str, defaults: Mapping[str, float], given: Mapping[str, Any]
) -> dict[str, float]:
    """The defaults, overridden by the keyword arguments of a call.

    Raises `ArgumentTypeError` for an unknown name or something that is no number, and
    `ArgumentError` for a number that is not finite.
    """
    values = dict(defaults)
    for key, value in given.items():
        if key not in defaults:
            known = ", ".join(defaults) if defaults else "none"
            hint = did_you_mean(key, list(defaults))
            raise ArgumentTypeError(
                f"kernel {name!r} has no parameter {key!r}{hint} (its parameters: {known})"
            )
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise ArgumentTypeError(
                f"parameter {key!r}: expected a number, got {value!r} of type "
                f"{type(value).__name__}"
            )
        try:
            values[key] = float(value)
        except OverflowError:  # a whole number of hundreds of digits
            values[key] = math.inf
        if not math.isfinite(values[key]):
            raise ArgumentError(f"parameter {key!r}: expected a finite number, got {value!r}")
    return values


def thread_count(threads: object) -> int:
    """The number of threads, by default the number of processors this process may use."""
    if threads is None:
        counter = getattr(os, "process_cpu_count", None)  # Python 3.13 and later
        if counter is not None:
            return int(counter() or 1)
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not isinstance(threads, numbers.Integral) or isinstance(threads, bool):
        raise ArgumentTypeError(f"threads: expected a whole number, got {threads!r}")
    if threads < 1:
        raise ArgumentError(f"threads: expected at least 1, got {threads}")
    return int(threads)


def memory_budget(memory: object) -> int:
    """A budget in bytes, from a number or a text such as "512MiB" or "1GB"."""
    if memory is None:
        return DEFAULT_MEMORY
    if isinstance(memory, str):
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)\s*", memory)
        unit = _UNITS.get(match.group(2).upper()) if match else None
        if match is None or unit is None:
            raise ArgumentError(
                f'memory: expected bytes, or a text such as "512MiB" or "1GB", got {memory!r}'
            )
        return int(min(float(match.group(1)) * unit, 2.0**63))
    if not isinstance(memory, numbers.Integral) or isinstance(memory, bool):
        raise ArgumentTypeError(
            f'memory: expected bytes, or a text such as "512MiB" or "1GB", got {memory!r}'
        )
    if memory <= 0:
        raise ArgumentError(f"memory: expected a positive number of bytes, got {memory}")
    return int(memory)
