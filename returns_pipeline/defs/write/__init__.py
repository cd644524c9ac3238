"""Assets of the group `write`: the only assets that change anything outside."""
