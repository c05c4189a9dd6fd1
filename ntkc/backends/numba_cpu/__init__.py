"""Processors: how operations and loops are spelled in Numba."""
