"""Every Dagster decorator, by stage. Logic lives in the rings below: an asset here opens a pass, calls one stage and reports."""
