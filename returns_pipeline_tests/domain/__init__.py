"""Tests of `returns_pipeline/domain`."""
