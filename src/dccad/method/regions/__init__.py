"""One region for every window from all maps, and which of the regions is normal."""
