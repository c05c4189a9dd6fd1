"""The machine that figures belong to, and how busy it was with other things."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Enough to tell whether two sets of figures may be compared."""

    name: str
    processor: str
    cores: int
    vectors: str
    memory_gib: float
    system: str
    python: str


def this_machine(name: str | None = None) -> Machine:
    """Describe the machine; its name, a file's name too, comes from the processor and cores."""
    processor, flags = _processor()
    cores = available_cores()
    slug = re.sub(r"[^a-z0-9]+", "-", f"{processor} {cores} cores".lower()).strip("-")
    return Machine(
        name=name or slug,
        processor=processor,
        cores=cores,
        vectors=_vectors(flags),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=platform.python_version(),
    )


def available_cores() -> int:
    """The cores this process may use, which a container can make fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy_seconds() -> float | None:
    """CPU seconds that all cores together have spent on anything, since the machine started.

    Time stolen by a hypervisor counts: it is lost to the measurement just the same. None where
    the system does not tell.
    """
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return None
    user, nice, kernel, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + kernel + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _processor() -> tuple[str, frozenset[str]]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine(), frozenset()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE)
    return (
        model[1].strip() if model else platform.machine(),
        frozenset(flags[1].split()) if flags else frozenset(),
    )


def _vectors(flags: frozenset[str]) -> str:
    names = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
    return next((name for flag, name in names.items() if flag in flags), "unknown")
