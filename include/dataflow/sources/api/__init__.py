"""HTTP APIs: pages are asked for one after the other, and their records spooled as they came.

``login``     what goes with a request so that the API lets us in
``asking``    one page: the request, and what an answer that is none means
``page``      one answer: its records, and where the next page is
``paging``    what to ask next, and when to stop
``spool``     the records of all pages, in one file that DuckDB reads
``read_api``  all of it
"""
