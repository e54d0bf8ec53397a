"""What is done to pixels: patches cut from films, intensity, test conditions, statistics, synthetic films.

From outside: `pixels.Pixels`, which a training reads, `conditions.CONDITIONS`, `intensity.prepared`,
`statistics.store_statistics`, `phantom.make_phantom`.
"""
