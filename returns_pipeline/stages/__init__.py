"""What each stage does with clients, storage, domain and effects: ingest, match, decide, write, reconcile. No Dagster, no judging of its own."""
