"""What trainings of every kind share: settings, run, checkpoint, verdicts."""
