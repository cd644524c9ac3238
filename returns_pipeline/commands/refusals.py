"""The errors that a person can mend: the command prints their message and ends with 1. Anything else is a bug and shows its trace."""

from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.clients.outcomes import NotAllowed, ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.commands.checks import CheckNotWritten
from returns_pipeline.commands.drill import NoDrill
from returns_pipeline.commands.sandbox_process import SandboxDown
from returns_pipeline.settings import SettingsError
from returns_pipeline.stages.passes import NotReady
from returns_pipeline.storage.backup import BackupFailed
from returns_pipeline.storage.database import NoDatabase
from returns_pipeline.storage.embedded import ServerNotStarted
from returns_pipeline.storage.exceptions import NoSuchException
from returns_pipeline.storage.ledger.approvals import ApprovalRefused
from returns_pipeline.storage.locks import Busy

REFUSALS = (
    SettingsError,
    NotReady,
    MissingCredential,
    NotAllowed,
    ReadFailed,
    BudgetSpent,
    Busy,
    NoDatabase,
    BackupFailed,
    ServerNotStarted,
    NoSuchException,
    ApprovalRefused,
    SandboxDown,
    CheckNotWritten,
    NoDrill,
)
