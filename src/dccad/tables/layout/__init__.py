"""Where in a table the names, units and columns are."""
