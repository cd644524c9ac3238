"""Assets of the group `match`: returns against sales, receipts against returns."""
