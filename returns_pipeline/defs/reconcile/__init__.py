"""Assets of the group `reconcile`: what does not meet, the month's picture and the pipeline's own health."""
