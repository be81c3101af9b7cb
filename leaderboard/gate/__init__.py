"""What a network may contain; it is read in a process that can do no harm, before it plays."""
