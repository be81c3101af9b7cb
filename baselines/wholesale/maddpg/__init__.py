"""MADDPG for consumers: below which price their flexible load waits."""
