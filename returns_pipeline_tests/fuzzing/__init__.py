"""Fuzzing: whatever comes from outside is read or refused, and nothing else. `make fuzz` goes on for minutes; the suite takes a short run."""
