"""OAuth tokens rotate: the new pair is stored before it is used, by one process at a time, and only its owner can read it."""

import datetime as dt
import json
import stat
import threading

import pytest

from returns_pipeline.clients.oauth import OAuthApp, token_url_of
from returns_pipeline.clients.outcomes import CredentialRefused, NotAllowed, ReadFailed
from returns_pipeline_tests.clients.server import answers, hangs_up, serving

FRESH = {
    "access_token": "canary-access-1",
    "refresh_token": "canary-refresh-1",
    "api_domain": "ws-eu1.brightpearl.com",
    "token_type": "Bearer",
    "expires_in": 604800,
}
START = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)


def app(url: str, folder, access: str = "seed-access", refresh: str = "seed-refresh", now=lambda: START) -> OAuthApp:
    return OAuthApp("acme_app", "acme", access, refresh, f"{url}/token/acme", folder / "credentials", now)


def test_renewing_swaps_the_pair_and_stores_it_for_its_owner_alone(tmp_path):
    """Lost, the new refresh token would lock the pipeline out until somebody authorises the app anew."""
    with serving(answers(200, FRESH)) as script:
        tokens = app(script.base_url, tmp_path)
        assert tokens.headers()["authorization"] == "Bearer seed-access"
        assert tokens.renew()
    assert script.seen[0].body.decode() == "grant_type=refresh_token&refresh_token=seed-refresh&client_id=acme_app"
    assert tokens.headers()["authorization"] == "Bearer canary-access-1"
    assert tokens.secrets() == {"canary-access-1", "canary-refresh-1", "seed-access", "seed-refresh"}
    (stored,) = (tmp_path / "credentials").glob("*.json")
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o700
    assert json.loads(stored.read_text())["refresh_token"] == "canary-refresh-1"


def test_another_process_uses_the_stored_pair_and_not_the_seed(tmp_path):
    """The seed in the environment is dead after the first refresh."""
    with serving(answers(200, FRESH)) as script:
        app(script.base_url, tmp_path).renew()
        assert app(script.base_url, tmp_path).headers()["authorization"] == "Bearer canary-access-1"
    assert len(script.seen) == 1


def test_a_token_about_to_run_out_is_swapped_before_it_is_used(tmp_path):
    """A write that meets an expired token stops its sink."""
    now = [START]
    with serving(answers(200, FRESH), answers(200, FRESH | {"access_token": "canary-access-2"})) as script:
        tokens = app(script.base_url, tmp_path, access="", now=lambda: now[0])
        assert tokens.headers()["authorization"] == "Bearer canary-access-1"
        now[0] += dt.timedelta(days=6)
        assert tokens.headers()["authorization"] == "Bearer canary-access-1"
        now[0] += dt.timedelta(hours=13)
        assert tokens.headers()["authorization"] == "Bearer canary-access-2"
    assert len(script.seen) == 2


def test_every_pair_that_was_met_stays_a_secret(tmp_path):
    """While tokens rotate two pairs are live, and what another process stored in between was one too."""
    with serving(answers(200, FRESH)) as script:
        other = app(script.base_url, tmp_path)
        other.renew()
    with serving(
        answers(200, FRESH | {"access_token": "canary-access-2", "refresh_token": "canary-refresh-2"})
    ) as script:
        tokens = app(script.base_url, tmp_path)
        tokens.renew()
    assert tokens.secrets() == {
        f"{word}-{which}" for word in ("canary-access", "canary-refresh") for which in (1, 2)
    } | {"seed-access", "seed-refresh"}


def test_a_reply_without_a_new_refresh_token_keeps_the_old_one(tmp_path):
    """Whether each refresh gives a new one is not documented."""
    with serving(answers(200, {"access_token": "canary-access-1"})) as script:
        tokens = app(script.base_url, tmp_path)
        tokens.renew()
    assert (
        json.loads((tmp_path / "credentials" / "brightpearl-tokens.json").read_text())["refresh_token"]
        == "seed-refresh"
    )


def test_of_two_that_renew_at_once_one_asks(tmp_path):
    """A refresh token may work only once: the second asker would be refused, and stop everything."""
    began, go_on = threading.Event(), threading.Event()
    first_answer = answers(200, FRESH)

    def slowly(handler) -> None:
        began.set()
        go_on.wait(10)
        first_answer(handler)

    with serving(slowly, answers(400, {"error": "invalid_client"})) as script:
        first, second = app(script.base_url, tmp_path), app(script.base_url, tmp_path)
        second.headers()
        renewed: list[bool] = []
        threads = [threading.Thread(target=lambda each=each: renewed.append(each.renew())) for each in (first, second)]
        threads[0].start()
        assert began.wait(10)
        threads[1].start()
        go_on.set()
        for thread in threads:
            thread.join(10)
    assert renewed == [True, True]
    assert len(script.seen) == 1
    assert second.headers()["authorization"] == "Bearer canary-access-1"


def test_a_refused_refresh_token_says_what_to_do(tmp_path):
    """Nobody but a person can authorise the app anew."""
    with (
        serving(answers(400, {"error": "invalid_client"})) as script,
        pytest.raises(CredentialRefused, match="Authorise the app anew") as refused,
    ):
        app(script.base_url, tmp_path).renew()
    assert "invalid_client" in str(refused.value)
    assert "seed-refresh" not in str(refused.value)


@pytest.mark.parametrize(
    "act",
    [
        hangs_up,
        answers(502),
        answers(200, b"<html>"),
        answers(200, {"error": "none"}),
        answers(302, None, Location="/x"),
    ],
)
def test_a_refresh_without_a_usable_answer_is_a_failed_read(act, tmp_path):
    """The old pair may still be good: nothing is stored, nothing is thrown away."""
    with serving(act) as script:
        tokens = app(script.base_url, tmp_path)
        with pytest.raises(ReadFailed):
            tokens.renew()
    assert tokens.secrets() == {"seed-access", "seed-refresh"}


def test_without_a_refresh_token_there_is_nothing_to_renew(tmp_path):
    """The refusal itself is then what the person must see."""
    assert not app("http://127.0.0.1:1", tmp_path, refresh="").renew()


def test_tokens_are_refreshed_where_recordings_show_it():
    """A refresh token posted to another host is given away."""
    assert (
        token_url_of("https://euw1.brightpearlconnect.com/public-api/acme")
        == "https://oauth.brightpearl.com/token/acme"
    )
    assert token_url_of("http://127.0.0.1:8123/public-api/acme") == "http://127.0.0.1:8123/token/acme"
    with pytest.raises(NotAllowed, match="BRIGHTPEARL_BASE_URL"):
        token_url_of("https://euw1.brightpearlconnect.com")
