"""CSV and other text: encoding, dialect, lines, types."""
