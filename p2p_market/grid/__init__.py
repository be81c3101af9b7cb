"""The line between members and the transformer: its voltages, what it carries, what corrects it."""
