"""What a schedule becomes: source for processors, and for CUDA devices."""
