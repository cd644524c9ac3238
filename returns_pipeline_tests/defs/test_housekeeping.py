"""Once a night the audit chain is proved from its first row."""

import dagster as dg
import pytest

from returns_pipeline.defs.acts import housekeeping
from returns_pipeline.storage import ledger
from returns_pipeline.storage.ledger import audit


def test_a_broken_audit_chain_fails_the_nightly_run(connection, instance, monkeypatch, tmp_path):
    """Nobody looks at a log line: a run that failed is told to the people who own it."""
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path))
    for number in range(3):
        audit.append(connection, None, "planned", {"number": number})
    assert housekeeping.execute_in_process(instance=instance).success
    with connection.transaction():
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_no")
        connection.execute("UPDATE audit SET detail = '{}' WHERE seq = 2")
        connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_no")
    assert ledger.verify(connection) == 2
    with pytest.raises(dg.Failure, match="audit row 2 was changed"):
        housekeeping.execute_in_process(instance=instance)
