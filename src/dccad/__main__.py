"""``python -m dccad`` is the ``dccad`` command."""

from dccad.cli.main import run

if __name__ == "__main__":
    run()
