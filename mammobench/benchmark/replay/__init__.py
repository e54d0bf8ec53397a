"""A search method on a table: the simulated clock, the answers of a table, and the trace of a search."""
