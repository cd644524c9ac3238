"""Tests, in the same folders as the package; scenarios/, faults/ and ui/ drive the whole."""
