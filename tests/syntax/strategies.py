"""Random syntax trees: any that the parser could have made, and no others."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from ntkc.diagnostics import Source, Span
from ntkc.syntax import ast
from ntkc.syntax.words import COMPARISONS, DECLARATIONS, KEYWORDS, MODIFIERS

NOWHERE = Span(Source("<random>", ""), 0, 0)

_words = st.text(string.ascii_letters + "_", min_size=1, max_size=12)
words = _words.filter(lambda word: word not in KEYWORDS)
names = words.map(lambda word: ast.Name(word, NOWHERE))
argument_names = st.one_of(st.none(), words, st.sampled_from(DECLARATIONS + MODIFIERS))

whole_numbers = st.integers(0, 10**15 - 1).map(lambda value: ast.Number(value, True, NOWHERE))
decimals = st.floats(0, allow_nan=False, allow_infinity=False).map(
    lambda value: ast.Number(abs(value), False, NOWHERE)
)
sizes = st.lists(st.integers(1, 99), min_size=2, max_size=4).map(
    lambda extents: ast.Size(tuple(extents), NOWHERE)
)
atoms = st.one_of(
    names,
    whole_numbers,
    decimals,
    sizes,
    st.booleans().map(lambda value: ast.Bool(value, NOWHERE)),
)


def _compound(inner: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Expr]:
    arguments = st.builds(ast.Argument, argument_names, inner, st.just(NOWHERE))
    few = st.lists(inner, max_size=4).map(tuple)
    operators = st.sampled_from(("+", "-", "*", "/", "^", *COMPARISONS))
    return st.one_of(
        st.builds(ast.ListExpr, few, st.just(NOWHERE)),
        st.builds(ast.Call, names, st.lists(arguments, max_size=4).map(tuple), st.just(NOWHERE)),
        st.builds(ast.Unary, st.just("-"), inner, st.just(NOWHERE)),
        st.builds(ast.Binary, operators, inner, inner, st.just(NOWHERE)),
        st.builds(ast.Conditional, inner, inner, inner, st.just(NOWHERE)),
        st.builds(ast.Chain, st.lists(inner, min_size=2, max_size=5).map(tuple), st.just(NOWHERE)),
        _blocks(inner),
    )


def _lets(value: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Let]:
    return st.builds(ast.Let, names, value, st.just(NOWHERE))


def _blocks(inner: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Block]:
    lines = st.lists(st.one_of(inner, inner, _lets(inner)), max_size=4).map(tuple)
    return st.builds(ast.Block, lines, st.just(NOWHERE))


expressions: st.SearchStrategy[ast.Expr] = st.recursive(atoms, _compound, max_leaves=24)
parameters = st.lists(
    st.builds(ast.Parameter, names, st.none() | expressions, st.just(NOWHERE)), max_size=3
).map(tuple)
inputs = st.builds(
    ast.Input,
    names,
    st.lists(st.none() | expressions, min_size=1, max_size=4).map(tuple),
    st.booleans(),
    st.just(NOWHERE),
)
paths = st.text(string.ascii_letters + "/._- é", min_size=1, max_size=20)
statements: st.SearchStrategy[ast.Statement] = st.one_of(
    st.builds(ast.Param, names, expressions, st.just(NOWHERE)),
    _lets(expressions),
    st.builds(ast.Def, names, parameters, expressions, st.just(NOWHERE)),
    st.builds(ast.ActivationDef, names, names, parameters, expressions, st.just(NOWHERE)),
    st.builds(ast.Import, paths, st.just(NOWHERE)),
    st.builds(ast.NetworkDef, names, inputs, _blocks(expressions), st.just(NOWHERE)),
)
files = st.lists(statements, max_size=4).map(lambda found: ast.File(tuple(found), (), NOWHERE))
