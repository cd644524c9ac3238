"""Tests of the returns trade: pure functions over frames, and whole lives of returns over the real ledger."""
