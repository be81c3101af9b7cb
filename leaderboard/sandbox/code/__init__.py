"""A stranger's program in a process of its own, held by bubblewrap and seccomp."""
