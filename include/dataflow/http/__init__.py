"""The one way by which the house speaks HTTP: patient, bounded in time and size, and only to hosts it may ask.

``client``   requests with retries, same-origin redirects and bounded answers
``answer``   one answer, unpacked in pieces within its bound
``network``  connections, to the address that was judged
``policy``   which hosts and addresses may be asked
``waiting``  how long to wait before the next try
``pace``     how many requests a second
"""
