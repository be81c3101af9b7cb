"""The report of a benchmark run: one self-contained HTML page. Needs the extra `report`."""
