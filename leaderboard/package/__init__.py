"""What is submitted: one zip with a manifest and data files, read once into bytes."""
