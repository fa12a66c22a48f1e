"""The parts: one folder each. They never import each other; ``standalone`` alone composes them."""

import os

# Before numpy is loaded. Requests run side by side, and their products are small: OpenBLAS's threads spin for work between them, which
# took a third of a search for copies on two cores. Whoever sets the variable keeps it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
