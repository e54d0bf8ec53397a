"""Mammogram patches: sources, the image store, tasks and splits.

A source (`ddsm`, `cbis`, `mias`, `folder`, `phantom`) hands `records` to the `writer`, which leaves an image
`store`; `splits` cuts a store into training, validation and test rows for one of the `tasks`; `batches`
orders them for training.
"""
