# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx configuration of nestor's documentation."""
project = "Nestor"
extensions = []
master_doc = "index"
exclude_patterns = ["_build"]
html_theme = "alabaster"
