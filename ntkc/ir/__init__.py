"""Kernel IR: the mathematics of a network as an interned graph."""
