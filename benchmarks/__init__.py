"""Measurements of quality and speed, as the services run."""

import services  # noqa: F401  Sets what must be set before numpy is loaded.
