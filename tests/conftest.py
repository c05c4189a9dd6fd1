"""Settings of every test."""

from hypothesis import settings

# The same examples in every run: a change is judged by what it changes, not by luck.
# `--hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None)
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
