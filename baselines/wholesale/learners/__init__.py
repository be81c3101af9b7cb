"""What the learners of a power system share: play, memory, networks, the run of a training."""
