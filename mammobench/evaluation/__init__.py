"""Metrics with intervals, comparisons and the leaderboard, all computed from stored predictions."""
