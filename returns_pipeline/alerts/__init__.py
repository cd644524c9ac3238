"""Who is told what, when and by which channel. No Dagster, and no judging of returns: that is the catalogue's."""
