"""Helper functions that generated modules carry when they use them."""

HELPERS = {
    "inv_sqrt": '''\
def inv_sqrt(x):
    """1 / sqrt(x), and 0 where x is 0: an all-zero input has no direction to scale."""
    positive = x > 0.0
    return np.where(positive, 1.0 / np.sqrt(np.where(positive, x, 1.0)), 0.0)''',
}
