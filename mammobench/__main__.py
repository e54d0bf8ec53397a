"""``python -m mammobench`` is the command line."""

from mammobench.cli import main

main()
