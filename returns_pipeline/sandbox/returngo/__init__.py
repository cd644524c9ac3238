"""A ReturnGO on loopback: its true state (`world`), its JSON (`wire`), its lists (`lists`) and its routes (`routes`)."""
