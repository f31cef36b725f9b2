"""Where the metadata of an exported model stand in the file, and their version."""

from __future__ import annotations

FORMAT = 1
"""Raised whenever an older reader could misread the metadata or the graph."""

KEY = "dccad"
"""Key of the entry in the file's metadata that holds the record, as JSON."""
