"""Everything between a port and the wire, once for all services.

``server`` serves, ``channel`` connects, ``clients`` are the ports over gRPC, ``convert`` translates the domain and
``status`` the errors. Only this package and the servicers know the generated stubs.
"""
