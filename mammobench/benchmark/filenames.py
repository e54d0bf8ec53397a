"""Names of the files of a table, and of a comparison: each stands here alone."""

CONFIGS = "configs.parquet"
CURVES = "curves.parquet"
RUNS = "runs.parquet"
SPACE = "space.yaml"
METADATA = "metadata.json"
CARD = "README.md"
CROISSANT = "croissant.json"
SUMS = "SHA256SUMS"
LICENSE = "LICENSE"
PREDICTIONS = "predictions"
"""A folder: test predictions at the best epoch by validation, where they are kept."""

STUDY = "study"
"""The folder of the study that recorded a table, beside its files."""

ASIDE = ".new"
"""A folder with a table that is being written; whole once it has its sums."""

COMPARISON = "comparison.json"
"""What a comparison was asked; a folder with it is a comparison."""

FORMAT = 1
"""Of what a comparison was asked."""

STUDIES = "studies"
"""A folder a method, in it one a study, of a comparison whose searches train."""

TRACES = "traces"
"""A folder a table, in it one a method, in it one file a search."""

RANKING = "methods.tex"
"""The ranking of methods, for LaTeX."""
