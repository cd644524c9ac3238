"""The data team's room: one small file per check, found by itself. A check reads one asset's table and does nothing else."""
