"""The front end: text to syntax tree, and back.

`ntkc.syntax.ast` holds the nodes, `parser` makes them, `imports` loads a program with all that
it imports, `formatter` writes them in the canonical layout.
"""
