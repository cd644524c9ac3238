"""The Dagster asset graph between ReturnGo and Brightpearl: from an approved return to a posted credit."""
