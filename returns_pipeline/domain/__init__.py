"""The returns trade: money, matching, decisions and their words. Pure: frames and values in, frames and values out, `now` as an argument."""
