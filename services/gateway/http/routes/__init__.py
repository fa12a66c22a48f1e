"""The addresses, a module a kind of thing. A route translates and calls one method of a port; it decides nothing."""
