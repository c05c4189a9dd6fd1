"""Settings of every test."""

import signal

from hypothesis import settings

# A shell starts what it puts in the background with interrupts ignored, and children inherit that:
# tests of interrupts, here and in processes of their own, need the ordinary handler.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run: a change is judged by what it changes, not by luck.
# `--hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None)
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
