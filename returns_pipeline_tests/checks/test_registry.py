"""The data team's room: a file with a CHECK is found by itself."""

from returns_pipeline.checks.registry import Check, discover


def test_every_file_with_a_check_is_found_under_its_own_name():
    names = [check.name for check in discover()]
    assert {"every_judged_sku_was_sold", "tax_is_in_proportion"} <= set(names)
    assert names == sorted(names)


def test_every_check_says_who_acts_and_what_holds():
    for check in discover():
        assert isinstance(check, Check)
        assert check.owner
        assert check.title[0].isupper()
        assert not (check.is_blocking and check.severity == "warn"), "a warning never stops a run"
