"""The doctor, against a retailer of the sandbox."""
