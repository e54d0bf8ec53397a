"""A table of recorded trainings: its files, what a search may know of it, and its sealed test scores."""
