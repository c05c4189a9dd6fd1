"""Vectors of 64 bytes as values of compiled code.

LLVM finds vectors in a loop by itself where it can prove, or test at each entry, that no store
meets a later load; in short rows of one buffer the tests cost more than the work. Here a
vector is a type: 16 float32 or 8 float64, loaded and stored as one, with the arithmetic of its
numbers. LLVM spells it in what registers a processor has.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from .routine import data_of
from .vector_functions import (
    BYTES,
    accumulate,
    load,
    maximum,
    minimum,
    power_of_two,
    safe_inverse_sqrt,
    safe_sqrt,
    select,
    store,
    wide_vectors,
    zeros,
)

# --- the type ----------------------------------------------------------------------------


class Vector(types.Type):
    """A vector's type in compiled code."""

    def __init__(self, item: Any) -> None:
        self.item = item
        super().__init__(name=f"vector of {item}")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        item = ir.DoubleType() if kind.item == types.float64 else ir.FloatType()
        super().__init__(manager, kind, ir.VectorType(item, BYTES * 8 // kind.item.bitwidth))


_VECTORS = {item: Vector(item) for item in (types.float32, types.float64)}


def _typed(function: Callable[..., Any], arity: int, returns: Callable[..., Any]) -> None:
    """Let compiled code call a function: `returns` takes argument types, None where they do not
    fit.
    """

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, args: Any, keywords: Any) -> Any:
            found = returns(*args) if len(args) == arity and not keywords else None
            return None if found is None else signature(found, *args)


def _vector_of(*arguments: Any) -> Any:
    """The vector type of some arguments, of which others are numbers of its type."""
    found = {a for a in arguments if isinstance(a, Vector)}
    if len(found) != 1:
        return None
    (vector,) = found
    return vector if all(a in (vector, vector.item) for a in arguments) else None


def _kind_of(*arguments: Any) -> Any:
    """The type of a vector and numbers, or of numbers alone."""
    first = arguments[0]
    if isinstance(first, types.Float) and all(a == first for a in arguments):
        return first
    return _vector_of(*arguments)


def _elementwise(function: Callable[..., Any], *formals: Any) -> Callable[..., Any]:
    """Decorate code (builder, *vectors) of a function whose arguments are made vectors first."""

    def decorate(code: Callable[..., Any]) -> Callable[..., Any]:
        def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind = context.get_value_type(sig.return_type)
            return code(
                builder,
                *(value if value.type == kind else _spread(builder, kind, value) for value in args),
            )

        lower_builtin(function, *formals)(lower)
        return code

    return decorate


def _spread(builder: Any, kind: Any, value: Any) -> Any:
    """One number in every lane."""
    place = ir.IntType(32)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(place, 0))
    order = ir.Constant(ir.VectorType(place, kind.count), [0] * kind.count)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), order)


# --- arithmetic --------------------------------------------------------------------------


def _arithmetic() -> None:
    """Operators, between vectors and between a vector and a number."""
    for function, name in (
        (operator.add, "fadd"),
        (operator.sub, "fsub"),
        (operator.mul, "fmul"),
        (operator.truediv, "fdiv"),
    ):
        _typed(function, 2, _vector_of)

        def code(builder: Any, x: Any, y: Any, name: str = name) -> Any:
            return getattr(builder, name)(x, y)

        for formals in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
            _elementwise(function, *formals)(code)
    _typed(operator.neg, 1, _vector_of)
    _elementwise(operator.neg, Vector)(lambda builder, x: builder.fneg(x))
    _typed(abs, 1, _vector_of)
    _elementwise(abs, Vector)(lambda builder, x: _unary(builder, "fabs", x))


def _unary(builder: Any, name: str, x: Any) -> Any:
    """LLVM's own function of vectors and of numbers."""
    lanes = f"v{x.type.count}" if isinstance(x.type, ir.VectorType) else ""
    suffix = f"{lanes}f{64 if _is_wide(x.type) else 32}"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(x.type, [x.type]), f"llvm.{name}.{suffix}"
    )
    return builder.call(function, [x])


def _is_wide(kind: Any) -> bool:
    """Whether a type's numbers are float64."""
    return isinstance(getattr(kind, "element", kind), ir.DoubleType)


def _constant(kind: Any, value: Any) -> Any:
    """A number, or a vector of it."""
    return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)


def _zero(x: Any) -> Any:
    return _constant(x.type, 0.0)


_arithmetic()
for _function, _arity in (
    (safe_sqrt, 1),
    (safe_inverse_sqrt, 1),
    (minimum, 2),
    (maximum, 2),
    (select, 3),
    (power_of_two, 1),
):
    _typed(_function, _arity, _kind_of)


@_elementwise(minimum, types.Any, types.Any)
def _minimum(builder: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", x, y), x, y)


@_elementwise(maximum, types.Any, types.Any)
def _maximum(builder: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", x, y), x, y)


@_elementwise(select, types.Any, types.Any, types.Any)
def _select(builder: Any, condition: Any, yes: Any, no: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", condition, _zero(condition)), yes, no)


@lower_builtin(safe_sqrt, types.Any)
def _safe_sqrt(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    (x,) = args
    if sig.args[0] == _VECTORS[types.float64] and _divides_slowly(context):
        return _select(builder, x, _sqrt_by_steps(builder, x), _zero(x))
    return _unary(builder, "sqrt", _maximum(builder, x, _zero(x)))


def _divides_slowly(context: Any) -> bool:
    """Whether a root of eight float64 takes longer than eleven of the other operations: so it is
    on Intel's processors, whose one divider is shared by roots and quotients.
    """
    _, name, features = context.codegen().magic_tuple()
    return "+avx512f" in features and not name.startswith("znver")


def _sqrt_by_steps(builder: Any, x: Any) -> Any:
    """The root of eight positive float64, to a unit in the last place.

    Two steps from an estimate of 14 bits, each of which doubles them: of Goldschmidt's
    iteration for the root g and half its inverse h, then of Newton's (Markstein 2004).
    """
    kind = x.type
    half = ir.Constant(kind, [0.5] * kind.count)
    mask = ir.IntType(8)
    estimate = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind, kind, mask]), "llvm.x86.avx512.rsqrt14.pd.512"
    )
    fused = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3), f"llvm.fma.v{kind.count}f64"
    )
    inverse = builder.call(estimate, [x, _zero(x), ir.Constant(mask, 255)])
    root, half_inverse = builder.fmul(x, inverse), builder.fmul(inverse, half)
    missing = builder.call(fused, [builder.fneg(root), half_inverse, half])
    root = builder.call(fused, [root, missing, root])
    half_inverse = builder.call(fused, [half_inverse, missing, half_inverse])
    missing = builder.call(fused, [builder.fneg(root), root, x])
    return builder.call(fused, [missing, half_inverse, root])


@_elementwise(safe_inverse_sqrt, types.Any)
def _safe_inverse_sqrt(builder: Any, x: Any) -> Any:
    one = _constant(x.type, 1.0)
    return _select(builder, x, builder.fdiv(one, _unary(builder, "sqrt", x)), _zero(x))


@_elementwise(power_of_two, types.Any)
def _power_of_two(builder: Any, exponent: Any) -> Any:
    """The bits of the exponent are put where a float keeps its own."""
    bits, bias, digits = (64, 1023, 52) if _is_wide(exponent.type) else (32, 127, 23)
    whole = ir.IntType(bits)
    if isinstance(exponent.type, ir.VectorType):
        whole = ir.VectorType(whole, exponent.type.count)
    biased = builder.add(builder.fptosi(exponent, whole), _constant(whole, bias))
    shifted = builder.shl(biased, _constant(whole, digits))
    return builder.bitcast(shifted, exponent.type)


# --- memory ------------------------------------------------------------------------------


def _buffer(*arguments: Any) -> Any:
    """The vector type that fits a buffer."""
    buffer = arguments[0]
    flat = isinstance(buffer, types.Array) and buffer.ndim == 1 and buffer.layout == "C"
    return _VECTORS.get(buffer.dtype) if flat else None


def _stored(buffer: Any, at: Any, value: Any) -> Any:
    vector = _buffer(buffer)
    return types.void if vector is not None and value in (vector, vector.item) else None


def _accumulated(totals: Any, at: Any, value: Any, scale: Any) -> Any:
    wide = _buffer(totals) is _VECTORS[types.float64] and scale == types.float64
    return types.void if wide and isinstance(value, Vector) else None


_typed(load, 2, _buffer)
_typed(store, 3, _stored)
_typed(zeros, 1, _buffer)
_typed(accumulate, 4, _accumulated)
_typed(wide_vectors, 0, lambda: types.void)


def _place(context: Any, builder: Any, sig: Any, args: Any) -> tuple[Any, Any]:
    """(address of a vector, the alignment of a number)."""
    vector = context.get_value_type(_buffer(sig.args[0]))
    address = builder.gep(data_of(context, builder, sig.args[0], args[0]), [args[1]])
    return builder.bitcast(address, vector.as_pointer()), sig.args[0].dtype.bitwidth // 8


@lower_builtin(load, types.Array, types.Integer)
def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    address, alignment = _place(context, builder, sig, args)
    return builder.load(address, align=alignment)


@lower_builtin(store, types.Array, types.Integer, types.Any)
def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    address, alignment = _place(context, builder, sig, args)
    value = args[2]
    if not isinstance(sig.args[2], Vector):
        value = _spread(builder, context.get_value_type(_buffer(sig.args[0])), value)
    builder.store(value, address, align=alignment)
    return context.get_dummy_value()


@lower_builtin(zeros, types.Array)
def _zeros(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind = context.get_value_type(sig.return_type)
    return ir.Constant(kind, [0.0] * kind.count)


@lower_builtin(accumulate, types.Array, types.Integer, Vector, types.Float)
def _accumulate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    totals, at, value, scale = args
    array = context.make_array(sig.args[0])(context, builder, totals)
    wide = ir.VectorType(ir.DoubleType(), value.type.count)
    address = builder.bitcast(builder.gep(array.data, [at]), wide.as_pointer())
    if value.type != wide:
        value = builder.fpext(value, wide)
    scaled = builder.fmul(value, _spread(builder, wide, scale))
    total = builder.fadd(builder.load(address, align=8), scaled)
    builder.store(total, address, align=8)
    return context.get_dummy_value()


@lower_builtin(wide_vectors)
def _wide_vectors(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    # llvmlite knows no attributes with values: this one is put past its check.
    set.add(builder.function.attributes, '"prefer-vector-width"="512"')
    return context.get_dummy_value()
