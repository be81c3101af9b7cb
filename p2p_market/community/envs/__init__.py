"""Faces of the community: PettingZoo, batches, Gymnasium vectors."""
