"""The errors that a person can mend: the command prints their message and ends with 1. Anything else is a bug and shows its trace."""

from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.settings import SettingsError
from returns_pipeline.stages.passes import NotReady
from returns_pipeline.storage.locks import Busy

REFUSALS = (SettingsError, NotReady, MissingCredential, ReadFailed, Busy)
