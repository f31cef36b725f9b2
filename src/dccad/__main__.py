"""``python -m dccad`` is the ``dccad`` command."""

from dccad.cli import run

if __name__ == "__main__":
    run()
