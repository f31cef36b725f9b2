"""Scores of normal rows to thresholds and p-values that hold for new rows."""
