"""Settings of Sphinx; the pages are those that `tools.site.pages` gathers."""

from typing import Any

from p2p_market import __version__
from tools.site import boards
from tools.site.docstrings import is_slot, prepare, restore

project = "p2p_market"
copyright = "The p2p_market developers, Apache-2.0"
release = version = __version__
html_title = f"p2p_market {version}"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
root_doc = "README"
exclude_patterns: list[str] = []
myst_heading_anchors = 4
nb_execution_mode = "off"  # their outputs are stored: `tools.run_notebooks`

default_role = "literal"
autodoc_default_options = {
    "members": True,
    "undoc-members": False,
    "member-order": "bysource",
    "ignore-module-all": True,
}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_use_legacy_class_based = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
toc_object_entries = False

html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "versions.html",
        "sidebar/scroll-end.html",
    ]
}
html_context = {"seasons": boards.names()}
html_additional_pages = {"index": "index.html"}


def setup(app: Any) -> None:
    """Docstrings are prepared before Napoleon reads them."""
    app.connect("autodoc-process-docstring", prepare, priority=100)
    app.connect("autodoc-process-docstring", restore, priority=900)
    app.connect("autodoc-skip-member", is_slot)
