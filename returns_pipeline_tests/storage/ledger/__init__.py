"""Tests of `returns_pipeline/storage/ledger`."""
