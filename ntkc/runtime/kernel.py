"""`Kernel`: a compiled program as the function that users call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import near_images, slices
from .arguments import as_inputs, flattened
from .blas import single_threaded_blas
from .errors import ArgumentError, ArrayError, LoadError
from .evaluate import Call, TileWorker
from .gradients import Request, ValueAndGradient, checked_request, evaluate_request
from .options import memory_budget, ordered, parameter_values, requested_roots, thread_count
from .outputs import bundle, make_outputs
from .plan import Needs, Plan, make_plan
from .program import Program
from .rows import Rows
from .rows import batches as row_batches
from .sides import FLOORS, Side, make_side
from .slice_program import SliceProgram
from .threads import Reporter, run_tasks
from .tiles import make_tiles

Progress = Callable[[int, int], object]
_OPTIONS = (
    "x1", "x2", "get", "out", "progress", "threads", "memory", "self", "wrt", "cotangent",
)  # fmt: skip
_TILE_SETS = ("ntk", "nngp", "nngp+ntk")
_BLAS_GUARD = 1e6  # multiplications below which BLAS does not start threads


class Kernel:
    """The kernel of an infinitely wide network, compiled.

    `kernel(x1)` is the Gram matrix (n, n) of a batch, `kernel(x1, x2)` the cross-Gram matrix
    (n1, n2) of two, `kernel.diag(x1)` the Gram matrix's diagonal (n,).
    """

    def __init__(self, program: Program | SliceProgram) -> None:
        for name in program.parameters:
            if name in _OPTIONS:
                raise LoadError(
                    f"kernel {program.name!r}: a parameter cannot be called {name!r}, which is an "
                    "argument of every kernel"
                )
        self._program = program
        self._available: tuple[str, ...]
        if isinstance(program, SliceProgram):
            self._available = _TILE_SETS
        else:
            kinds = program.tiles
            self._available = tuple(roots for roots, dtype in kinds if dtype == program.dtype)
        slopes_ = isinstance(program, Program) and program.slopes
        self._floor = FLOORS[np.dtype(program.dtype)] if slopes_ else 0.0
        self._table: int | None = None  # K, known after the first call
        self.__doc__ = self._describe()
        self.__signature__ = self._make_signature()

    @property
    def name(self) -> str:
        """The network's name."""
        return self._program.name

    @property
    def dtype(self) -> np.dtype[Any]:
        """What kernel values are computed in and returned as."""
        return np.dtype(self._program.dtype)

    @property
    def input(self) -> str:
        """The input declared, such as `vector[784]`."""
        sizes = ", ".join("?" if size is None else str(size) for size in self._program.input_sizes)
        suffix = " normalized" if self._program.normalized else ""
        return f"{self._program.input_kind}[{sizes}]{suffix}"

    @property
    def parameters(self) -> Mapping[str, float]:
        """The parameters, which are keyword arguments of a call, and their defaults."""
        return MappingProxyType(dict(self._program.parameters))

    @property
    def program(self) -> Program | SliceProgram:
        """The program that is run."""
        return self._program

    @property
    def _vectors(self) -> Program:
        """The program, of a network on vectors; `ArgumentError` for any other."""
        if isinstance(self._program, SliceProgram):
            raise ArgumentError(
                f"kernel {self.name!r}: expected a network on vectors, and this one is on "
                f"{self.input}"
            )
        return self._program

    def __repr__(self) -> str:
        given = "".join(f", {name}={value:g}" for name, value in self.parameters.items())
        return f"<kernel {self.name}: {self.input}, {self.dtype}{given}>"

    def __call__(
        self,
        x1: object,
        x2: object = None,
        *,
        get: str | tuple[str, ...] | list[str] = "ntk",
        out: Any = None,
        progress: Progress | None = None,
        threads: int | None = None,
        memory: int | str | None = None,
        **params: Any,
    ) -> Any:
        """Kernel values of every pair of rows: an array (n1, n2), or a named tuple of them.

        Without `x2` the result is the Gram matrix of `x1`: exactly symmetric, with an accurate
        diagonal. With it, a cross-Gram matrix, in which no input is taken for itself.

        `get` is "ntk", "nngp", or a tuple of them, in whose order the named tuple is. `out` is an
        array to write to (for two kernels a tuple of arrays, in that order too, or a named tuple
        by its names), of any layout, memory-mapped or not. `progress(done, total)` is
        called now and then, from this thread, with numbers of entries; what it raises ends the
        call. `threads` is by default the number of processors. `memory` bounds what is allocated
        beyond inputs and result, in bytes or as "512MiB" (default 256 MiB). Every parameter of
        the network is a keyword argument.

        Raises subclasses of `KernelError`, which are `ValueError` or `TypeError` too. After an
        exception, `out` may hold results of some tiles.
        """
        asked, several = requested_roots(get, self._available)
        values = parameter_values(self.name, self._program.parameters, params)
        limit, budget = thread_count(threads), self._budget(memory)
        inputs = self._inputs(x1, x2)
        constants = self._constants(values, inputs[0])
        shape = inputs[0].shape[0], inputs[-1].shape[0]
        results = self._outputs(out, asked, shape, inputs)
        reporter = Reporter(progress, shape[0] * shape[1])
        if shape[0] and shape[1]:
            roots = ordered(asked)
            outputs = [results[asked.index(root)] for root in roots]
            self._fill(roots, constants, inputs, outputs, limit, budget, reporter)
            self._refine(roots, values, inputs, outputs, limit, budget)
        reporter.finish()
        return bundle(results, asked, several)

    def diag(
        self,
        x1: object,
        *,
        get: str | tuple[str, ...] | list[str] = "ntk",
        threads: int | None = None,
        **params: Any,
    ) -> Any:
        """The Gram matrix's diagonal (n,), without the matrix; a named tuple for several `get`.

        Raises subclasses of `KernelError`, which are `ValueError` or `TypeError` too.
        """
        roots, several = requested_roots(get, self._available)
        values = parameter_values(self.name, self._program.parameters, params)
        limit = thread_count(threads)
        array = self._inputs(x1, None)[0]
        constants = self._constants(values, array)
        if array.shape[0] == 0:
            return bundle([np.empty(0, self.dtype) for _ in roots], roots, several)
        if isinstance(self._program, SliceProgram):
            images = slices.make_side(self._program, array, "x1", constants, limit)
            return bundle([images.diagonals[root].copy() for root in roots], roots, several)
        side = make_side(
            self._vectors, Rows(flattened(array), "x1", self.dtype), constants, limit, False
        )
        return bundle([side.diagonal(root).copy() for root in roots], roots, several)

    def value_and_gradient(
        self,
        x1: object,
        x2: object = None,
        *,
        get: str = "ntk",
        wrt: str | tuple[str, ...] | list[str] | None = None,
        cotangent: object = None,
        threads: int | None = None,
        memory: int | str | None = None,
        **params: Any,
    ) -> ValueAndGradient:
        """The kernel `value` (n1, n2) and its `gradient`, a dictionary by the names in `wrt`.

        `wrt` names parameters of the network (by default all), and `x1` and `x2`. The derivative
        by a parameter is an array (n1, n2), exactly symmetric where the kernel is:

            value, gradient = kernel.value_and_gradient(x, wrt=("w_std", "b_std"))
            gradient["w_std"]

        With a `cotangent`, an array C of the kernel's shape, the gradient is that of
        (C * kernel).sum(): a number for a parameter, an array of the batch's own shape for `x1`
        or `x2`. By inputs there is no gradient without one. Where `x2` is not given, `x1` stands
        in both places of the kernel, and moves in both.

        `get` is "ntk" or "nngp". `threads` and `memory` are as in a call. What one call
        needs is compiled at the first such call, and kept with the kernel. By inputs on positions,
        such as images, the recursion is run backward over whole arrays: exact, but slow and with
        all pairs of positions in memory, as many pairs of inputs at a time as the budget allows.

        Everything is finite. Where a kinked activation leaves no derivative by inputs, a limit
        is given: at coincident inputs the mean over opposite directions, at a row of zeros that
        of a small row orthogonal to the others.

        Raises subclasses of `KernelError`, which are `ValueError` or `TypeError` too.
        """
        inputs = self._inputs(x1, x2)
        request = checked_request(self, inputs, get, wrt, cotangent, threads, memory, params)
        return evaluate_request(self, request)

    def _differentiated(self, root: str, wrt: tuple[str, ...]) -> Kernel:
        """The kernel whose tile function makes `root` and its derivatives by `wrt`."""
        raise ArgumentError(
            f"kernel {self.name!r} was saved without its derivatives by {', '.join(wrt)}: compile "
            "its program, the file model.ntk beside it, with ntkc.compile for gradients"
        )

    def _pulled_back(
        self, request: Request, cotangent: NDArray[Any]
    ) -> dict[str, NDArray[np.float64]]:
        """The gradients by `x1` and `x2` of a network on positions."""
        self._differentiated(request.root, ("x1",))
        raise AssertionError("a kernel with its program has gradients by inputs")

    def _evaluate(
        self,
        roots: tuple[str, ...],
        request: Request,
        inputs: list[NDArray[Any]],
        outputs: list[NDArray[Any]],
    ) -> None:
        """Compute roots of this program into `outputs`, for a call that has been checked."""
        constants = self._constants(request.values, inputs[0])
        if outputs[0].size:
            reporter = Reporter(None, outputs[0].size)
            threads, budget = request.threads, request.memory
            self._fill(roots, constants, inputs, outputs, threads, budget, reporter)
            self._refine(roots, request.values, inputs, outputs, threads, budget)

    def _refine(
        self,
        roots: tuple[str, ...],
        values: Mapping[str, float],
        inputs: list[NDArray[Any]],
        outputs: list[NDArray[Any]],
        threads: int,
        budget: int,
    ) -> None:
        """Entries of nearly coincident inputs on positions, by their differences."""
        if isinstance(self._program, SliceProgram):
            near_images.refine(self._program, roots, values, inputs, outputs, threads, budget)

    def _side(self, request: Request, inputs: NDArray[Any]) -> Side:
        """What is known of each row of a batch alone."""
        rows = Rows(flattened(inputs), "x1", self.dtype)
        constants = self._constants(request.values, inputs)
        return make_side(self._vectors, rows, constants, request.threads, False, self._floor)

    def _budget(self, memory: object) -> int:
        """Bytes that a call may allocate beyond inputs and result."""
        return memory_budget(memory)

    def _outputs(
        self,
        out: object,
        roots: tuple[str, ...],
        shape: tuple[int, int],
        inputs: list[NDArray[Any]],
    ) -> list[Any]:
        """The arrays that the result is written to."""
        return list(make_outputs(out, roots, shape, self.dtype, inputs))

    def _inputs(self, x1: object, x2: object) -> list[NDArray[Any]]:
        """One or two checked batches (n, *sizes)."""
        sizes = self._program.input_sizes
        first = as_inputs(x1, "x1", sizes)
        if x2 is None:
            return [first]
        second = as_inputs(x2, "x2", sizes)
        if first.shape[1:] != second.shape[1:]:
            raise ArrayError(
                f"x2: expected inputs of the shape of x1's, {first.shape[1:]}, got "
                f"{second.shape[1:]}"
            )
        return [first, second]

    def _constants(self, values: Mapping[str, float], inputs: NDArray[Any]) -> NDArray[np.float64]:
        # An input without features has no mean square; 1 keeps 1/size finite.
        try:
            with np.errstate(all="ignore"):  # what it would warn of is refused below
                constants = self._program.constants(values, max(prod(inputs.shape[1:]), 1))
            overflows = not np.isfinite(constants).all()
        except OverflowError:
            overflows = True
        except (ValueError, ArithmeticError) as error:
            raise ArgumentError(f"{_weights(values)}: {error}") from None
        if overflows:
            raise ArgumentError(f"{_weights(values)}: too large, a number overflows")
        return constants

    def _fill(
        self,
        roots: tuple[str, ...],
        constants: NDArray[np.float64],
        inputs: list[NDArray[Any]],
        outputs: list[NDArray[Any]],
        threads: int,
        budget: int,
        reporter: Reporter,
    ) -> None:
        """Compute every entry of the outputs."""
        program = self._program
        if isinstance(program, SliceProgram):
            slices.fill(program, roots, constants, inputs, outputs, threads, budget, reporter)
            return
        batches = row_batches(inputs, self.dtype)
        copied = sum(
            rows.array.nbytes
            for rows, array in zip(batches, inputs, strict=True)
            if not np.may_share_memory(rows.array, array)
        )
        plan = self._plan(batches, len(roots), constants, threads, budget - copied)
        sides = [
            make_side(
                program,
                rows,
                constants,
                plan.threads,
                plan.packed and not rows.direct,
                self._floor,
            )
            for rows in batches
        ]
        call = Call(program, roots, constants, sides[0], sides[-1], outputs, plan)
        tiles = make_tiles([rows.count for rows in batches], (plan.rows, plan.columns))

        def make_worker() -> TileWorker:
            return TileWorker(call)

        work = batches[0].count * batches[-1].count * batches[0].width
        if work < _BLAS_GUARD:
            run_tasks(tiles, make_worker, plan.threads, reporter)
        else:
            with single_threaded_blas:
                run_tasks(tiles, make_worker, plan.threads, reporter)

    def _plan(
        self,
        batches: list[Rows],
        roots: int,
        constants: NDArray[np.float64],
        threads: int,
        budget: int,
    ) -> Plan:
        """Tiles, threads and buffers for a problem and a budget."""
        program = self._vectors
        if self._table is None:
            self._table = program.diagonals(np.empty(0), constants).table.shape[0]
        needs = Needs(
            counts=tuple(rows.count for rows in batches),
            width=batches[0].width,
            converted=tuple(not rows.direct for rows in batches),
            gathered=max(rows.array.itemsize for rows in batches),
            item=self.dtype.itemsize,
            outputs=roots,
            complement=program.complement,
            table=self._table,
            scratch=program.slots * program.width,
        )
        return make_plan(needs, budget, threads)

    def _describe(self) -> str:
        parameters = "".join(
            f"\n    {name}: {value:g} by default" for name, value in self.parameters.items()
        )
        return (
            f"The kernel of the network {self.name!r}, in {self.dtype}.\n\n"
            f"Inputs: {self.input}. kernel(x1) is the Gram matrix, kernel(x1, x2) the cross-Gram "
            f"matrix,\nkernel.diag(x1) the diagonal; get is one of {', '.join(self._available)}.\n"
            f"Parameters:{parameters or ' none'}\n"
        )

    def _make_signature(self) -> inspect.Signature:
        """The signature of a call, with the network's own parameters."""
        own = inspect.signature(Kernel.__call__)
        found = [p for name, p in own.parameters.items() if name not in ("self", "params")]
        found += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
            for name, value in self.parameters.items()
        ]
        return own.replace(parameters=found)


def _weights(values: Mapping[str, float]) -> str:
    """What the constants of a call come from, for a message."""
    if not values:
        return "the weights of the program"
    return "parameters " + ", ".join(f"{name}={value!r}" for name, value in values.items())
