"""The page of a comparison, its figures and its tables, with the style of a study's report."""
