"""Tests of `returns_pipeline/schemas`."""
