"""The returns trade: money, matching, decisions and their words. Pure: frames and values in, frames and values out, `now` as an argument."""

# Counted up with every change of how returns are judged: kept with each planned write, and shown on each asset as its code version.
RULES_VERSION = "1"
