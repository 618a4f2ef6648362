"""The documentation as a site: `make site` writes it to build/site. Its source is the repository's root, so that a link of a page leads to the same place here and in a clone."""

from typing import Any

project = "ibgateway"
html_title = "ibgateway"
author = "the contributors"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "charts/*/README.md",
    "examples/README.md",
    "tests/*/README.md",
]
exclude_patterns = [
    ".*",
    "build",
    *("api", "client", "cli", "crds", "executor", "gateway", "operator", "runtime", "simulator"),
    *("tests/clients", "tests/support", "tests/unit", "tests/wiring"),
    "**/__pycache__",
    "**/node_modules",
]
nitpicky = True
myst_heading_anchors = 4
highlight_language = "text"

html_theme = "pydata_sphinx_theme"
templates_path = ["site/templates"]
html_additional_pages = {"index": "to_the_index.html"}
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"**": ["all-pages.html"]}
html_theme_options: dict[str, Any] = {
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "primary_sidebar_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "show_toc_level": 2,
    "navigation_depth": 3,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
