"""Search methods against each other: tables of recorded trainings, replay, comparison.

`tables` reads and writes a table, `replay` runs a method on one, `statistics` says who wins and how sure that
is, `page` shows it. Test scores are read by `tables.sealed` and `statistics` alone; `replay` sees none.
"""
