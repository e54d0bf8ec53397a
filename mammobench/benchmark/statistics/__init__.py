"""From traces and sealed test scores to who is better, by how much, and how sure that is.

`scale` puts a table's test scores on one scale, `incumbents` follows what validation would select in a
search, `measures` makes a number of that for each search, and the rest compares methods by these numbers.
`assess` does all of it.
"""
