"""Search methods behind one interface, `base.Engine`.

From outside: `making.make_engine` makes one by name; `methods.ENGINES` lists those that there are.
"""
