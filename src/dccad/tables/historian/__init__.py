"""Tables with one row per value of a tag: quality, pivot, common rows."""
