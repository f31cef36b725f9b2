"""Stamps to instants, their order, gaps and grids."""
