"""Tests of the data team's checks, one twin per check."""
