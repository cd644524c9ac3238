<<<<<<< HEAD
"""Tests of the returns trade: pure functions over frames, and whole lives of returns over the real ledger."""
=======
"""Tests of `returns_pipeline/domain`."""
>>>>>>> 4c342ff7859e93dc82740a38733651a1c267dbd2
