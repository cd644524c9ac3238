"""Tests of the pure rules of the trade."""
