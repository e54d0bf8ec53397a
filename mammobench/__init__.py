"""mammobench: which CNN configuration is best on these mammograms, and how sure can we be?

The names below are loaded when they are first used, so that ``import mammobench`` takes no time; their
types stand in ``__init__.pyi`` beside this file (Scientific Python's SPEC 1).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
