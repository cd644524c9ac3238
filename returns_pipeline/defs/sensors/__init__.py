"""What is watched between schedules, one small file per sensor. What they look for is decided in `stages/`, `storage/` and `alerts/`."""
