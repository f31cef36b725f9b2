"""Scores as tables, files and figures."""
