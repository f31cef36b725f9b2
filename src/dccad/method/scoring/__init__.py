"""How far a window is from normal: statistics, their scale, and the fitted model."""
