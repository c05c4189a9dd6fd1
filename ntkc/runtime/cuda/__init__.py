"""What runs generated CUDA kernels."""
