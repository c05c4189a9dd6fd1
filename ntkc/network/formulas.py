"""What an activation that a program defines comes to: one scalar expression in `z`.

The body's names are the variable, the parameters, and the file's numbers. Nothing of it is ever
given to Python or to a library as text. The definition was checked before; what can still go
wrong is arithmetic without a value, and size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ntkc.ir.node import Node, const, function, is_const, make, sqrt, topological
from ntkc.network import limits, numbers
from ntkc.network.numbers import NoValueError
from ntkc.network.scope import Entry, Scope
from ntkc.network.trampoline import Step
from ntkc.network.values import Number, Poison, Value, as_number, constant
from ntkc.syntax import ast

if TYPE_CHECKING:
    from ntkc.network.evaluate import Evaluator


class BrokenFormulaError(Exception):
    """The formula has a mistake that was reported."""


class Formula:
    """Translates one definition's body; `names` are its variable and its parameters, as nodes."""

    def __init__(
        self, evaluator: Evaluator, entry: Entry, variable: str, names: dict[str, Node]
    ) -> None:
        self.variable = variable
        self._evaluator = evaluator
        self._entry = entry
        self._names = names
        self._scope = Scope(entry.file)
        self._steps = 0
        self.places: dict[Node, ast.Expr] = {}
        """Which part of the formula a node came from."""
        self.defaults: dict[Node, float] = {}
        """The values of the file's `param`s that take part."""

    def node(self, expression: ast.Expr) -> Step[Node]:
        """The expression as a node. Raises `BrokenFormulaError`."""
        self._steps += 1
        if self._steps > limits.MAX_FORMULA:
            raise self._evaluator.too_large(
                "E0336",
                f"this formula has more than {limits.MAX_FORMULA:,} operations",
                expression.span,
                "an activation is a short formula",
            )
        match expression:
            case ast.Number(value=value):
                return const(value)
            case ast.Name():
                found: Node = yield self._name(expression)
                return found
            case ast.Unary(operand=operand):
                x = yield self.node(operand)
                return const(-x.attr("value")) if is_const(x) else -x
            case ast.Binary(operator=operator, left=left, right=right):
                x, y = (yield self.node(left)), (yield self.node(right))
                return self._guarded(expression, lambda: _binary(operator, x, y), [x, y])
            case ast.Conditional():
                chosen: Node = yield self._conditional(expression)
                return chosen
            case ast.Call():
                called: Node = yield self._call(expression)
                return called
        raise BrokenFormulaError  # reported when the definition was checked

    def _name(self, name: ast.Name) -> Step[Node]:
        found = self._names.get(name.name)
        if found is not None:
            return found
        entry = self._scope.entry(name.name)
        if entry is not None and isinstance(entry.statement, ast.Let | ast.Param):
            value: Value = as_number((yield self._evaluator.entry(entry)))
            if isinstance(value, Number):
                if not value.is_constant:
                    self.defaults[value.node] = value.value
                return value.node
            if not isinstance(value, Poison):
                self._evaluator.error(
                    self._scope, "E0306", "an activation is a formula of numbers", name.span,
                    "not a number",
                )  # fmt: skip
            raise BrokenFormulaError
        if entry is None and name.name in numbers.CONSTANTS:
            return const(numbers.CONSTANTS[name.name])
        raise BrokenFormulaError

    def _call(self, call: ast.Call) -> Step[Node]:
        name = call.function.name
        known = numbers.FUNCTIONS.get(name)
        if known is None or name in self._scope.file.entries or len(call.arguments) != known.arity:
            raise BrokenFormulaError
        arguments: list[Node] = []
        for argument in call.arguments:
            arguments.append((yield self.node(argument.value)))
        return self._guarded(call, lambda: _called(name, arguments), arguments)

    def _conditional(self, expression: ast.Conditional) -> Step[Node]:
        condition = expression.condition
        if not isinstance(condition, ast.Binary) or condition.operator not in _DIFFERENCES:
            self._evaluator.error(
                self._scope, "E0306", "a condition in a formula is a comparison", condition.span,
                "compare two numbers here", "write `if z > 0 then ...`",
            )  # fmt: skip
            raise BrokenFormulaError
        x = yield self.node(condition.left)
        y = yield self.node(condition.right)
        then = yield self.node(expression.then)
        otherwise = yield self.node(expression.otherwise)
        return _choice(condition.operator, x, y, then, otherwise)

    def _guarded(
        self, expression: ast.Expr, compute: Callable[[], Node], of: Sequence[Node]
    ) -> Node:
        try:
            made = compute()
            for node in topological((made,), known=of):
                self.places.setdefault(node, expression)
            return made
        except NoValueError as error:
            self._evaluator.error(
                self._scope, error.code, error.message, expression.span, "here", error.help
            )
            raise BrokenFormulaError from None


_DIFFERENCES = ("<", "<=", ">", ">=", "==", "!=")


def _choice(operator: str, x: Node, y: Node, then: Node, otherwise: Node) -> Node:
    """`if x < y then .. else ..`: equality holds nowhere, unless it is one of numbers."""
    if is_const(x) and is_const(y):
        holds = numbers.compare(operator, x.attr("value"), y.attr("value"))
        return then if holds else otherwise
    match operator:
        case "<":
            return make("select", y - x, then, otherwise)
        case ">":
            return make("select", x - y, then, otherwise)
        case "<=":
            return make("select", x - y, otherwise, then)
        case ">=":
            return make("select", y - x, otherwise, then)
    return then if operator == "!=" else otherwise


def _called(name: str, arguments: list[Node]) -> Node:
    if name == "sqrt" and arguments[0].op == "power" and arguments[0].attr("exponent") % 2 == 0:
        (base,), exponent = arguments[0].args, arguments[0].attr("exponent") // 2
        return function("abs", base) ** exponent if exponent > 1 else function("abs", base)
    if all(map(is_const, arguments)):
        return numbers.call(name, [constant(a.attr("value")) for a in arguments]).node
    return numbers.FUNCTIONS[name].node(*arguments)


def _binary(operator: str, x: Node, y: Node) -> Node:
    """`+ - * / ^`. Raises `NoValueError`."""
    if operator not in ("+", "-", "*", "/", "^"):
        raise BrokenFormulaError  # a comparison where none may be, which was reported
    if is_const(x) and is_const(y):
        return numbers.binary(operator, *(constant(v.attr("value")) for v in (x, y))).node
    if operator == "/" and is_const(y, 0.0):
        raise NoValueError("E0310", "a division by 0 has no value")
    if operator == "^":
        return _power(x, y)
    return make(_OPERATIONS[operator], x, y)


_OPERATIONS = {"+": "add", "-": "sub", "*": "mul", "/": "div"}


def _power(x: Node, y: Node) -> Node:
    if is_const(y):
        exponent = float(y.attr("value"))
        doubled = 2 * exponent
        if abs(exponent) > limits.MAX_EXPONENT:
            raise NoValueError(
                "E0311", f"exponents in a formula are from {-limits.MAX_EXPONENT} to "
                f"{limits.MAX_EXPONENT}",
            )  # fmt: skip
        if doubled.is_integer():
            base, whole = (x, exponent) if exponent.is_integer() else (sqrt(x), doubled)
            power = base ** abs(int(whole))
            return power if whole >= 0 else 1.0 / power
        if exponent > 0:  # 0 at 0, where there is no logarithm
            return make("select", function("abs", x), _exponential(x, y), const(0.0))
    return _exponential(x, y)


def _exponential(x: Node, y: Node) -> Node:
    return function("exp", y * function("log", x))
