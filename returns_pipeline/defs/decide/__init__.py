"""Assets of the group `decide`: what should be credited and moved, with its proof."""
