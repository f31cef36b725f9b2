"""Rows as they arrive: one row in, one verdict out."""
