"""Webhooks as hints."""
