"""Compiled programs as folders: what is written, kept in the cache, shipped and loaded."""
