"""What every implementation of a port does, as suites of tests, one a port.

A suite asks for a fixture named after its port. Subclass it beside such a fixture, and pytest runs it::

    @pytest.fixture
    def detector() -> Detector: ...

    class TestMyDetector(DetectorContract): ...
"""
