"""What a network may be, before anybody plays it: read in a process that can do no harm."""
