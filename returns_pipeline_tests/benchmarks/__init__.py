"""Speed, memory and calls as measured figures: `make bench`. A figure is a ratio in one run, or a bound that the design names; no tests."""
