"""What each sub-command of `returns-pipeline` does. The words of the command line are in `cli/`; the work is in the rings below."""
