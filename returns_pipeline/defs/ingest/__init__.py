"""Assets of the group `ingest`: what ReturnGo and Brightpearl say, read and kept."""
