"""Routines: generated functions that are compiled statement by statement, without Numba's passes.

Numba analyses a function in passes that are made for all of Python, and takes near a millisecond
an operation for it; a layer's formula may have thousands. What is generated needs no analysis: a
name has one type, a loop counts up, and nothing is allocated. So a routine's own syntax tree is
read once, from top to bottom; Numba's tables are asked once what an operation is between two types;
and LLVM has the rest.

Functions that Numba compiles call a routine as any other. Interpreted (`NUMBA_DISABLE_JIT`), it is
the function that it is written as. It may have names, numbers, arithmetic, comparisons, choices
(`a if c else b`), entries of arrays, calls, `=`, `+=`, `for … in range(…)` and `if`; it returns
nothing.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

Value = tuple[Any, Any]
"""A type of Numba's, and LLVM's value of it."""

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}

_CASTS: dict[Any, Any] = {
    np.uint64: types.uint64,
    np.int64: types.int64,
    np.float32: types.float32,
    float: types.float64,
}

_EXTREMES: dict[Any, Any] = {max: operator.gt, min: operator.lt}
"""Which Numba has for any number of arguments, and compiles as functions."""


class UnknownSyntaxError(Exception):
    """A routine has something that `routine` does not know (a bug of the compiler)."""


def routine(function: Callable[..., None]) -> Callable[..., None]:
    """Let functions that Numba compiles call this one, which becomes a function of their code."""
    if getattr(config, "DISABLE_JIT", False):
        return function

    lines = _source(function)

    class _Template(AbstractTemplate):
        key = function

        def generic(self, args: Any, keywords: Any) -> Any:
            return None if keywords else signature(types.none, *args)

    infer_global(function, types.Function(_Template))

    @lower_builtin(function, types.VarArg(types.Any))
    def _call(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        called = _compiled(context, builder.module, function, lines, sig.args)
        status, _ = context.call_conv.call_function(builder, called, types.none, sig.args, args)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return function


def _operator(action: ast.AST) -> Callable[..., Any]:
    found = _OPERATORS.get(type(action))
    if found is None:
        raise UnknownSyntaxError(type(action).__name__)
    return found


def data_of(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """The address of an array's first number."""
    return builder.extract_value(array, context.data_model_manager[kind].get_field_position("data"))


def _compiled(context: Any, module: Any, function: Any, lines: list[str], kinds: Any) -> Any:
    """The routine for these argument types, as a function of a module."""
    name = f"{function.__name__}.{'.'.join(map(str, kinds))}"
    if name in module.globals:
        return module.globals[name]
    tree, convention = _parsed(lines), context.call_conv
    names = [argument.arg for argument in tree.args.args]
    made = ir.Function(module, convention.get_function_type(types.none, kinds), name)
    made.linkage = "internal"
    convention.decorate_function(made, names, kinds)
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    body = _Body(context, builder, function.__globals__, tree)
    values = convention.decode_arguments(builder, kinds, made)
    for argument, kind, value in zip(names, kinds, values, strict=True):
        body.bind(argument, (kind, value))
    body.block(tree.body)
    convention.return_value(builder, context.get_dummy_value())
    return made


def _source(function: Any) -> list[str]:
    """A module's lines from a function's own on, as they are now that it is imported."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    return linecache.getlines(code.co_filename, function.__globals__)[code.co_firstlineno - 1 :]


def _parsed(lines: list[str]) -> ast.FunctionDef:
    """The first function of some lines, from its `def` to what begins the next line."""
    start = next(number for number, line in enumerate(lines) if line.startswith("def "))
    end = start + 1
    while end < len(lines) and lines[end].startswith((" ", ")", "\n")):
        end += 1
    (tree,) = ast.parse("".join(lines[start:end])).body
    assert isinstance(tree, ast.FunctionDef)
    return tree


def _bound(tree: ast.FunctionDef) -> Iterator[str]:
    """The names that a function binds, as often as it does."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(name) | ast.Name(name, ast.Store()):
                yield name


class _Body:
    """The statements of a routine, one after the other."""

    def __init__(
        self, context: Any, builder: Any, names: dict[str, Any], tree: ast.FunctionDef
    ) -> None:
        self._context, self._builder, self._globals = context, builder, names
        self._bindings = Counter(_bound(tree))
        self._values: dict[str, Value] = {}
        """Of names that are bound at one place."""

        self._places: dict[str, Value] = {}
        """The types of other names, and where they lie in memory: LLVM makes registers of it."""

        self._meanings: dict[Any, tuple[Any, Any]] = {}
        """(signature, code) of functions between types that occurred."""

    # --- statements

    def block(self, statements: list[ast.stmt]) -> None:
        """Compile statements in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(ast.Constant(str())):
                pass
            case ast.Expr(value):
                self._value(value)
            case ast.Assign([ast.Name(name)], value):
                self.bind(name, self._value(value))
            case ast.Assign([ast.Subscript(buffer, index)], value):
                self._store(*map(self._value, (buffer, index, value)))
            case ast.AugAssign(target, action, value):
                self._statement(ast.Assign([target], ast.BinOp(target, action, value)))
            case ast.For(ast.Name(name), ast.Call(ast.Name("range"), bounds), body):
                self._loop(name, bounds, body)
            case ast.If(test, body, otherwise):
                with self._builder.if_else(self._truth(test)) as (then, other):
                    with then:
                        self.block(body)
                    with other:
                        self.block(otherwise)
            case _:
                raise UnknownSyntaxError(ast.unparse(node))

    def bind(self, name: str, value: Value) -> None:
        """Give a name a value; the first one settles its type."""
        if self._bindings[name] == 1:
            self._values[name] = value
            return
        if name not in self._places:
            self._places[name] = value[0], self._place(value)
        kind, place = self._places[name]
        self._builder.store(self._cast(value, kind), place)

    def _place(self, value: Value) -> Any:
        """Memory for such a value."""
        with self._builder.goto_entry_block():
            return self._builder.alloca(value[1].type)

    def _loop(self, name: str, bounds: list[ast.expr], body: list[ast.stmt]) -> None:
        """Count up to a bound, by a step that is positive."""
        kind, (start, stop, step) = self._bounds(bounds)
        builder, before = self._builder, self._builder.block
        test, inside, behind = (builder.append_basic_block(name) for _ in range(3))
        builder.branch(test)
        builder.position_at_end(test)
        count = builder.phi(start.type)
        count.add_incoming(start, before)
        compare = builder.icmp_signed if kind.signed else builder.icmp_unsigned
        builder.cbranch(compare("<", count, stop), inside, behind)
        builder.position_at_end(inside)
        self.bind(name, (kind, count))
        self.block(body)
        following = builder.add(count, step, flags=["nsw" if kind.signed else "nuw"])
        count.add_incoming(following, builder.block)
        builder.branch(test)
        builder.position_at_end(behind)

    def _bounds(self, bounds: list[ast.expr]) -> tuple[Any, list[Any]]:
        """The type of a range, unsigned where any of its bounds is; its start, stop and step."""
        given = [self._value(bound) for bound in bounds]
        kind = types.uint64 if any(k == types.uint64 for k, _ in given) else types.int64
        values = [self._cast(value, kind) for value in given]
        if len(values) == 1:
            values.insert(0, self._context.get_constant(kind, 0))
        if len(values) == 2:
            values.append(self._context.get_constant(kind, 1))
        return kind, values

    # --- values

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(int() | float() as number):
                kind = types.int64 if isinstance(number, int) else types.float64
                return kind, self._context.get_constant(kind, number)
            case ast.Name(name) if name in self._values:
                return self._values[name]
            case ast.Name(name) if name in self._places:
                kind, place = self._places[name]
                return kind, self._builder.load(place)
            case ast.Name():
                return self._constant(self._object(node))
            case ast.BinOp(left, action, right):
                return self._call(_operator(action), self._value(left), self._value(right))
            case ast.UnaryOp(action, operand):
                return self._call(_operator(action), self._value(operand))
            case ast.Subscript(buffer, index):
                return self._load(self._value(buffer), self._value(index))
            case ast.IfExp(test, yes, no):
                return self._choice(test, yes, no)
            case ast.Call(function, arguments):
                return self._call(self._object(function), *map(self._value, arguments))
        raise UnknownSyntaxError(ast.unparse(node))

    def _truth(self, node: ast.expr) -> Any:
        """LLVM's truth value of a comparison or a chain of them, or of a value."""
        if not isinstance(node, ast.Compare):
            kind, value = self._value(node)
            return self._context.is_true(self._builder, kind, value)
        left, found = self._value(node.left), cgutils.true_bit
        for action, operand in zip(node.ops, node.comparators, strict=True):
            right = self._value(operand)
            _, holds = self._call(_operator(action), left, right)
            found, left = self._builder.and_(found, holds), right
        return found

    def _choice(self, test: ast.expr, yes: ast.expr, no: ast.expr) -> Value:
        """One of two values, of which only that one is computed."""
        with self._builder.if_else(self._truth(test)) as (then, other):
            with then:
                value = self._value(yes)
                kind, place = value[0], self._place(value)
                self._builder.store(value[1], place)
            with other:
                self._builder.store(self._cast(self._value(no), kind), place)
        return kind, self._builder.load(place)

    def _constant(self, found: Any) -> Value:
        """A value of the module that the routine is in."""
        kind = self._context.typing_context.resolve_value_type(found)
        return kind, self._context.get_constant_generic(self._builder, kind, found)

    def _object(self, node: ast.expr) -> Any:
        """What a name stands for in the module that the routine is in, such as `math.sin`."""
        match node:
            case ast.Name(name) if name in self._globals:
                return self._globals[name]
            case ast.Name(name):
                return getattr(builtins, name)
            case ast.Attribute(value, name):
                return getattr(self._object(value), name)
        raise UnknownSyntaxError(ast.unparse(node))

    # --- arrays

    def _load(self, buffer: Value, index: Value) -> Value:
        place = self._entry(buffer, index)
        if place is None:
            return self._call(operator.getitem, buffer, index)
        return buffer[0].dtype, self._builder.load(place)

    def _store(self, buffer: Value, index: Value, value: Value) -> None:
        place = self._entry(buffer, index)
        if place is None:
            self._call(operator.setitem, buffer, index, value)
        else:
            self._builder.store(self._cast(value, buffer[0].dtype), place)

    def _entry(self, buffer: Value, index: Value) -> Any:
        """Where an entry at an offset lies: Numba goes there by way of slices. None for the rest,
        places that may be counted from the end among it.
        """
        kind, array = buffer
        flat = kind.ndim == 1 and kind.layout == "C" and isinstance(kind.dtype, types.Float)
        if not flat or index[0] != types.uint64:
            return None
        return self._builder.gep(data_of(self._context, self._builder, kind, array), [index[1]])

    # --- Numba's tables

    def _call(self, function: Any, *arguments: Value) -> Value:
        """A function or an operator, as Numba has it between these types."""
        if function in _CASTS:
            (value,) = arguments
            return _CASTS[function], self._cast(value, _CASTS[function])
        if function in _EXTREMES:
            left, right = arguments
            _, other = self._call(_EXTREMES[function], right, left)
            return left[0], self._builder.select(other, self._cast(right, left[0]), left[1])
        key = function, tuple([kind for kind, _ in arguments])
        if key not in self._meanings:
            self._meanings[key] = self._meaning(*key)
        sig, code = self._meanings[key]
        given = [self._cast(a, kind) for a, kind in zip(arguments, sig.args, strict=True)]
        return sig.return_type, code(self._builder, given)

    def _meaning(self, function: Any, kinds: tuple[Any, ...]) -> tuple[Any, Any]:
        typing = self._context.typing_context
        kind = typing.resolve_value_type(function)
        sig = kind.get_call_type(typing, kinds, {})
        return sig, self._context.get_function(kind, sig)

    def _cast(self, value: Value, kind: Any) -> Any:
        if value[0] == kind:
            return value[1]
        return self._context.cast(self._builder, value[1], value[0], kind)
