"""Timing of ntkc against its rivals on one machine and in strict alternation.

`python -m benchmarks.run --help` says everything that can be asked for; `README.md` says what the
figures mean. A benchmark is not a test: nothing here asserts a time.

    cases.py               what is measured, one table
    run.py                 the command line
    rival_environment.py   makes the virtual environments that the rivals need
    measure.py             one case: start the workers, alternate, collect
    worker_process.py      the parent's handle on one worker
    worker.py              the worker's loop; it hosts one of the sides
    sides/                 product, rivals, floor: how each loads, compiles and runs a job
    protocol.py            what those two say to each other
    machine.py, memory.py  what the operating system knows
    records.py, report.py  the figures, as JSON and as Markdown
"""
