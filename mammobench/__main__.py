"""``mammobench`` and ``python -m mammobench`` are the command line, and Ctrl-C is answered while it loads."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from mammobench.cli import main as run  # noqa: PLC0415 - within the answer to Ctrl-C

        run()
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again.", file=sys.stderr)  # noqa: T201 - nothing else is loaded
        sys.exit(130)


if __name__ == "__main__":
    main()
