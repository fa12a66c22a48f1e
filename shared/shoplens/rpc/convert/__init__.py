"""The domain to its messages (``pack_…``) and back (``unpack_…``), exactly: ``unpack(pack(x)) == x``.

Vectors travel as packed little-endian float32, times in UTC to the microsecond, several texts of an attribute come back
as a tuple. Packing and unpacking raise ``InvalidArgument`` where a value has no place on the wire.
"""
