"""What the network sees of a row: scaled sensors and uncorrelated directions."""
