"""MaskablePPO of sb3-contrib, with settings that are common for batteries in several markets."""
