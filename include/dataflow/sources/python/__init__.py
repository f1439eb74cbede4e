"""What functions of ``ingestion.py`` give: rows of Python, DataFrames, Arrow tables, dlt's resources.

``texts``     one value as the text that a column has of it
``arrays``    the values of a column as Arrow's array
``rows``      all of it, written to scratch in pieces
``dlt_rows``  what dlt calls a resource or a source, as rows
"""
