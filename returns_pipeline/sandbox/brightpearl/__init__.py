"""A Brightpearl on loopback: its true state, the verbs that change it, its JSON, its searches and its routes."""
