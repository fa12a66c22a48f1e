"""For tests, of shoplens and of what is built on it: fakes of every port, and the suite that every implementation passes."""
