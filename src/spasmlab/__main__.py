"""``python -m spasmlab``: the same as the command `spasmlab`."""

from spasmlab.cli import main

if __name__ == "__main__":
    main()
