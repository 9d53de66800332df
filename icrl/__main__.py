"""``python -m icrl``."""

import sys


def start() -> int:
    """Run the command line; Ctrl-C ends it quietly from the first import on."""
    try:
        from icrl.cli import main

        return main()
    except KeyboardInterrupt:
        print("icrl: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(start())
