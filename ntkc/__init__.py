"""ntkc: a compiler for the kernels of infinitely wide neural networks."""
