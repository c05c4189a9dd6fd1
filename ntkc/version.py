"""The version, where everything may read it and the build does."""

__version__ = "0.1.0"
