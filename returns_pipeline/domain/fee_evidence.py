"""Whether ReturnGo repeats the fee of a whole return on each of its units: the contract leaves it open, the refunds tell. Scenario 34.

The setting is `returngo.fee_scope`; the fees themselves are `fees`'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from returns_pipeline.domain.findings import Finding


@dataclass(frozen=True)
class Borne:
    """A return whose refund fits one reading only: `item`, each unit's fee was kept back; `rma`, the fee once."""

    rma_id: int
    fee_scope: str


def against_the_setting(evidence: Sequence[Borne], fee_scope: str, shop: str) -> list[Finding]:
    """One finding where the newest evidence speaks against the setting: the credits of such returns keep back too much or too little.

    Args:
        evidence: newest first; empty means that nothing is known, not that all is well, and gives no finding.
        fee_scope: as the settings have it.
    """
    if not evidence or evidence[0].fee_scope == fee_scope:
        return []
    against = [each.rma_id for each in evidence if each.fee_scope != fee_scope]
    found = f"{len(against)} refunds fit '{evidence[0].fee_scope}', {len(evidence) - len(against)} fit '{fee_scope}'; the newest is RMA {against[0]}"
    return [
        Finding(
            code="fee_scope_contradicted",
            subject_type="setting",
            subject_id=f"returngo.fee_scope:{shop}",
            shop=shop,
            cause="refunds of returns whose units all carry the same fee",
            expected=f"refunds that fit fee_scope = '{fee_scope}'",
            found=found,
        )
    ]
