"""The demo catalogue: real product photos out of published packages whose licences allow it."""

from services.standalone.demo.catalogue import Demo, load_demo

__all__ = ["Demo", "load_demo"]
