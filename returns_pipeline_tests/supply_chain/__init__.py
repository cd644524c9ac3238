"""What comes in with packages and what must not go out with the code: known holes, and keys that slipped in. `make audit`, `make secrets`."""
