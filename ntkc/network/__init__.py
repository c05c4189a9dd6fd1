"""From a syntax tree to a network that is known to be right, and its recursion as kernel IR."""
