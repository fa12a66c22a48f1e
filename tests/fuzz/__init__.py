"""Inputs that nobody meant, for everything that reads what strangers send: ``make fuzz``.

A target takes bytes and either does its work or refuses them with an error of :mod:`shoplens.errors`; anything else, a hang, or memory
beyond the limit is a crash. Inputs are mutations of good ones, made with what each format looks like in mind. What crashed is kept in
``crashes/<target>/`` and tried again with every run of the tests.
"""
