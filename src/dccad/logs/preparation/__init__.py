"""Conditioning of rows before windows are cut: steps, and their order."""
