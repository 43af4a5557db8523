"""``python -m skosh`` is the ``skosh`` command."""

from .cli import main

main()
