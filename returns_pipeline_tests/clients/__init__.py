"""The clients against real servers on loopback, and the parsers against recorded shapes and against anything at all."""
