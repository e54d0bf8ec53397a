"""The image store: images decoded once, memory-mapped, described by a manifest and a fingerprint.

From outside: `image_store.ImageStore`, and for sources `records.Record` and `writer`.
"""
