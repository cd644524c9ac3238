"""Tests of `returns_pipeline/effects`."""
