"""Symbolic derivation: the only package that knows SymPy, which sees one layer at a time."""
