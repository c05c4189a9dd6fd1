"""Kernels of networks on positions whose sizes are open: compiled for those of each array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from operator import index
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from ntkc.artefact.bundle import Bundle, bundle
from ntkc.artefact.compiled import CompiledKernel, load
from ntkc.artefact.folder import Artefact
from ntkc.artefact.prepare import Compilation, prepare
from ntkc.diagnostics import Source
from ntkc.driver import Options, understood
from ntkc.network.derive import OpenSizesError
from ntkc.runtime import Kernel
from ntkc.runtime.arguments import as_inputs
from ntkc.runtime.errors import ArgumentError, ArgumentTypeError, ArrayError
from ntkc.runtime.gradients import ValueAndGradient
from ntkc.runtime.slice_program import SliceProgram


class OpenKernel(CompiledKernel):
    """A kernel whose input leaves positions open, such as `image[?, ?, 3]`.

    A call compiles it for the sizes of its array, or takes what an earlier call compiled. `at` does
    that for sizes that are known beforehand. It pickles as its program and options.
    """

    def __init__(self, declared: SliceProgram, compilation: Compilation) -> None:
        super().__init__(declared, compilation)
        self._at: dict[tuple[int, ...], CompiledKernel] = {}

    def at(self, sizes: Sequence[int]) -> CompiledKernel:
        """The kernel for inputs of these sizes, channels last, such as (32, 32, 3).

        Raises `ProgramError` where the network does not suit them, `ValueError` where they
        contradict its declaration, and `TypeError` where they are no whole numbers.
        """
        try:
            given = tuple(index(size) for size in sizes)
        except TypeError:
            raise ArgumentTypeError(
                f"sizes: expected whole numbers, such as (32, 32, 3), got {sizes!r}"
            ) from None
        with self._lock:
            if given not in self._at:
                made = self._compilation
                options = replace(made.options, sizes=given)
                self._at[given] = load(prepare(made.bundle, options, made.cached))
            return self._at[given]

    def fitting(self, row: tuple[int, ...]) -> CompiledKernel:
        """The kernel for inputs of the shape `row`: in the network's axes, or flat.

        Flat rows tell one open size. Raises `ArrayError` where they do not settle the sizes, and as
        `at`.
        """
        sizes = self._program.input_sizes
        if len(row) == len(sizes):
            return self.at(row)
        known = prod(size for size in sizes if size is not None)
        rest, remainder = divmod(prod(row), known)
        if sizes.count(None) > 1 or remainder or rest == 0:
            raise ArrayError(
                f"rows of the shape {row} do not settle the sizes of {self.input}: give inputs in "
                "its axes, channels last"
            )
        return self.at(tuple(rest if size is None else size for size in sizes))

    def __call__(self, x1: object, x2: object = None, **arguments: Any) -> Any:
        """The kernel of every pair of inputs: see `Kernel`. Compiles where sizes are new."""
        return self._for(x1)(x1, x2, **arguments)

    def diag(self, x1: object, **arguments: Any) -> Any:
        """The Gram matrix's diagonal (n,): see `Kernel.diag`."""
        return self._for(x1).diag(x1, **arguments)

    def value_and_gradient(
        self, x1: object, x2: object = None, **arguments: Any
    ) -> ValueAndGradient:
        """The kernel and its derivatives: see `Kernel.value_and_gradient`."""
        return self._for(x1).value_and_gradient(x1, x2, **arguments)

    def _for(self, x1: object) -> Kernel:
        seen = x1
        if self._compilation.options.backend == "cuda":
            from ntkc.runtime.cuda.arrays import looked_at

            seen = looked_at(x1, "x1")
        array: NDArray[Any] = as_inputs(seen, "x1", self._program.input_sizes)
        sizes = array.shape[1:]
        if 0 in sizes:
            raise ArrayError(f"x1: expected inputs of at least one element, got {array.shape}")
        return self.at(sizes)

    @property
    def program(self) -> NoReturn:
        """Of no sizes yet: raises `ArgumentError`."""
        self._settle()

    @property
    def path(self) -> NoReturn:
        """Of no sizes yet: raises `ArgumentError`."""
        self._settle()

    @property
    def generated(self) -> NoReturn:
        """Of no sizes yet: raises `ArgumentError`."""
        self._settle()

    @property
    def manifest(self) -> NoReturn:
        """Of no sizes yet: raises `ArgumentError`."""
        self._settle()

    def explain(self) -> NoReturn:
        """Of no sizes yet: raises `ArgumentError`."""
        self._settle()

    def save(self, folder: str | Path, *, force: bool = False) -> NoReturn:
        """Of no sizes yet: raises `ArgumentError`."""
        self._settle()

    def _settle(self) -> NoReturn:
        raise ArgumentError(
            f"kernel {self.name!r}: sizes of {self.input} are open, and code is made for given "
            "ones; kernel.at(sizes), such as kernel.at((32, 32, 3)), is the kernel for those"
        )


def compile_any(
    origin: Path | Source | Bundle, options: Options, use_cache: bool = True
) -> CompiledKernel:
    """Compile a program, whatever sizes it leaves open. Raises `ProgramError`."""
    try:
        return load(prepare(origin, options, use_cache))
    except OpenSizesError:
        return _open(origin, options, use_cache)


def _open(origin: Path | Source | Bundle, options: Options, use_cache: bool) -> OpenKernel:
    program = origin.load() if isinstance(origin, Bundle) else origin
    loaded, network, warnings = understood(program, options)
    files = origin if isinstance(origin, Bundle) else bundle(loaded)
    settled = replace(options, network=network.name, root=None, allow=())
    declared = SliceProgram(
        name=network.name,
        dtype=options.dtype,
        input_kind=network.input.kind,
        input_sizes=network.input.sizes,
        normalized=network.input.normalized,
        parameters={p.name: p.default for p in network.parameters},
        lanes=1,
        space=(),
        owned=(),
        repeated=False,
        constants=_no_code,
        roots=(),
        diagonals=None,
        own=(),
        tiles={},
    )
    artefact = Artefact("", "", files, {})
    return OpenKernel(declared, Compilation(artefact, Path(), settled, use_cache, warnings))


def _no_code(*_: object) -> NoReturn:
    raise AssertionError("a kernel with open sizes is not evaluated itself")
