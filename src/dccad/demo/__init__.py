"""The demonstrations: a chemical plant and a peeling machine."""
