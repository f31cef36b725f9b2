"""What commands print: within 80 columns, or as JSON."""
