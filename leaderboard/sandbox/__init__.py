"""A stranger's network in a process of its own: rows go in, outputs come out, nothing else."""
