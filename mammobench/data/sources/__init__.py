"""Where images come from: one reader a layout, and `registry.prepare`, which recognises the layout.

From outside: `registry.prepare`, `download.download`, `loose.read_patch` for image files without a store.
"""
