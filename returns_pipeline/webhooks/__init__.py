"""Webhooks as hints: taken in over HTTP, noted, and never believed. What is done about a hint is decided in `stages/early_look`; polling stays the truth."""
