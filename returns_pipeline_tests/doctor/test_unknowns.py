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
