"""``python -m dataflow`` is the program ``dataflow``."""

from dataflow.cli.main import main

main()
