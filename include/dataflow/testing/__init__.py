"""What authors test their workflows with: fixtures for pytest, and the standard suite of ``dataflow workflow test``.

The fixtures are there in every project that installs ``dataflow``; pytest finds them by itself.
"""
