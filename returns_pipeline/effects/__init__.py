"""Carries planned effects out: claim, guard, send once, judge the answer, look up what stayed unknown. No Dagster, no planning."""
