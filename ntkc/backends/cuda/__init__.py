"""How operations and slices are spelled for `numba.cuda`."""
