"""Comparison of search methods by searches of their own, where no table was recorded."""
