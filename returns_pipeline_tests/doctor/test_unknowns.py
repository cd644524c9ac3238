"""What is unknown is listed with what is safe, until the settings call it answered."""

from returns_pipeline.doctor.unknowns import UNKNOWNS, still_open
from returns_pipeline.settings import load_settings


def test_every_question_says_what_is_safe_and_where_the_answer_shows() -> None:
    """An unknown without a safe default would be a guess."""
    assert len({each.question for each in UNKNOWNS}) == len(UNKNOWNS) > 10
    assert all(each.safe and each.shows and each.question.endswith("?") for each in UNKNOWNS)


def test_what_the_settings_call_proven_is_no_longer_open(tmp_path) -> None:
    """The list gets shorter as the retailer learns."""
    file = tmp_path / "settings.toml"
    file.write_text('[brightpearl]\ndedupe = "proven"\ninstalled_integration_instance_id = 13\n', encoding="utf-8")
    assert len(still_open(load_settings({}))) == len(UNKNOWNS)
    assert len(still_open(load_settings({"RETURNS_SETTINGS": str(file)}))) == len(UNKNOWNS) - 2


def test_what_is_in_force_is_told_beside_what_would_be_safe(tmp_path) -> None:
    """A retailer who chose otherwise must see that, and not the default."""
    file = tmp_path / "settings.toml"
    file.write_text('[brightpearl]\npart_receipt = "allowed"\n', encoding="utf-8")
    settings = load_settings({"RETURNS_SETTINGS": str(file)})
    forces = {each.point: each.in_force(settings) for each in UNKNOWNS}
    assert forces["part receipts of one credit are as the settings say"] == "[brightpearl] part_receipt = 'allowed'"
    assert sum(bool(force) for force in forces.values()) > 5
