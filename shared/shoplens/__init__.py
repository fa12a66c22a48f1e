"""shoplens: visual product search that a shop runs itself.

This package holds what every part shares and no part owns: the domain, the ports, the errors and the plumbing.
The parts themselves live in ``services``.
"""

__version__ = "0.1.0"
