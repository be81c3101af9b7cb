"""Layers between what an agent asks for and what is executed; nothing here learns."""
