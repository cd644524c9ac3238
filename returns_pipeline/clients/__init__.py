"""ReturnGo and Brightpearl over HTTP: what may be asked and written, how answers are judged, and records of what they say. No decisions, no database."""
