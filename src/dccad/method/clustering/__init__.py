"""k-means on every activation map, how well each map tells regimes apart, and the kernel split."""
