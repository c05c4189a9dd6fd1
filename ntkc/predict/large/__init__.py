"""Kernel regression beyond a dense factorisation: Gram matrices by tiles, and conjugate gradients.

`Tiles` is a symmetric matrix that is never whole in memory: an array, possibly memory-mapped
(`ArrayTiles`), a kernel and inputs (`KernelTiles`, recomputed at every use), or slabs on disk
(`store_tiles`, `StoredTiles`). `regress_iteratively` solves with any of them.
"""
