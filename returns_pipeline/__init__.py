"""The Dagster asset graph between ReturnGo and Brightpearl: from an approved return to a posted credit."""

# Counted up with every change of how returns are judged: kept with each planned write, and shown on each asset as its code version.
RULES_VERSION = "1"
