"""Rows before any method: runs, what users pass, missing values, windows, preparation."""
