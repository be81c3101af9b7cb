"""The documentation as a site: the pages of `docs/`, the reference of the code, search."""
