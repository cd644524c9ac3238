"""The settings file: what people write, what they get wrong, and what live mode asks for."""

from pathlib import Path

import pytest

from returns_pipeline.settings import SettingsError, live_kinds, load_settings, missing_for_live

SHOP = """
[[shops]]
label = "uk"
name = "uk.example"
channel_id = 3
currency = "GBP"
time_zone = "Europe/London"
returns_warehouses = { default = 3 }
saleable_warehouses = { "3" = 2 }
"""

READY = """
[brightpearl]
shopify_app_credits = "off"
[brightpearl.statuses]
awaiting_return = 21
goods_received = 22
credited = 23
cancelled = 24
[policy]
record_refunds = true
"""


def load(tmp_path: Path, text: str, **environment: str):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return load_settings({"RETURNS_SETTINGS": str(path), **environment})


def test_the_defaults_load_with_nothing_set_and_are_shadow():
    settings = load_settings({})
    assert settings.mode == "shadow"
    assert settings.shops[0].policy.posting == "review"
    assert live_kinds(settings, settings.shops[0]) == frozenset()


def test_a_shop_overrides_one_policy_key_and_keeps_the_others(tmp_path):
    settings = load(
        tmp_path,
        '[policy]\nposting = "automatic"\n'
        + SHOP
        + 'policy = { credit_on = "inspection" }\nfees = { restocking = { nominal_code = "4100" } }\n',
    )
    shop = settings.shop("uk")
    assert (shop.policy.credit_on, shop.policy.posting) == ("inspection", "automatic")
    assert (shop.fees.restocking.nominal_code, shop.fees.restocking.tax_code) == ("4100", "same_as_item")


def test_payment_methods_of_a_file_join_the_defaults(tmp_path):
    settings = load(tmp_path, '[brightpearl.payment_methods]\nRefundToBank = "BANK"\n' + SHOP)
    assert settings.shop("uk").payment_methods["RefundToBank"] == "BANK"
    assert settings.shop("uk").payment_methods["RefundToGiftCard"] == "GIFTCARD"


def test_the_shop_name_variable_names_a_single_shop(tmp_path):
    assert load(tmp_path, SHOP, RETURNGO_SHOP_NAME="other.example").shops[0].name == "other.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[polcy]\na = 1\n", "unknown key `polcy`"),
        ('[policy]\nannonce = "approval"\n', "unknown key `shops.0.policy.annonce`"),
        ('[policy]\nposting = "auto"\n', "'review' or 'automatic'"),
        ("[brightpearl]\nstatuses = 4\n", "[brightpearl.statuses] must be a table"),
        ("policy = \n", "is not a TOML file"),
        (SHOP.replace('time_zone = "Europe/London"\n', ""), "`shops.0.time_zone` is missing"),
        (SHOP.replace("Europe/London", "Europe/Lundun"), "no time zone is called 'Europe/Lundun'"),
        (SHOP.replace("default = 3", "shop = 3"), "needs a `default` warehouse"),
        (SHOP + SHOP, "two shops share a label"),
        ('[brightpearl]\ncredit_ref_format = "{customer}"\n', "may hold only"),
        ("shops = []\n", "there is no [[shops]] block"),
        ("[limits]\nmax_held_share = 2\n", "max_held_share"),
    ],
)
def test_what_people_get_wrong_is_named_with_its_mend(tmp_path, text, expected):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert expected in str(caught.value)
    assert "settings.toml" in str(caught.value)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings({"RETURNS_SETTINGS": "/nowhere/settings.toml"})


def test_an_unknown_mode_is_refused():
    with pytest.raises(SettingsError, match="set it to 'shadow' or 'live'"):
        load_settings({"RETURNS_MODE": "yes"})


def test_live_asks_for_statuses_the_shopify_switch_and_record_refunds(tmp_path):
    missing = missing_for_live(load(tmp_path, SHOP, RETURNS_MODE="live"))
    assert len(missing) == 6
    assert missing_for_live(load(tmp_path, READY + SHOP, RETURNS_MODE="live")) == []


def test_only_what_the_effects_arm_is_live(tmp_path):
    settings = load(tmp_path, READY + SHOP, RETURNS_MODE="live")
    kinds = live_kinds(settings, settings.shop("uk"))
    assert "credit.post" in kinds
    assert not kinds & {"returngo.receive", "refund.record", "transfer.create", "goods_in.write"}
