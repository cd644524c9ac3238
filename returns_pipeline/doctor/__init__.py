"""What the first connection to real accounts is led by: points that are looked at, what stays unknown, and a proposal of settings. Only reads."""
