"""What every other part rests on: errors, whole-file writes, seeds, point metrics, progress.

From outside: the error tree of `errors`, `files.written_aside`, `seeds.derive_seed`, the metrics and
objectives of `metrics`, `progress.Bars`.
"""
