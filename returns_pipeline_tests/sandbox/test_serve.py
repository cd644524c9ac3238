"""The running sandbox: three addresses, what it tells the pipeline, and the admin address that drives it."""

import json
import subprocess
import sys
import time
import tomllib

import pytest
import requests

from returns_pipeline.sandbox.serve import serve
from returns_pipeline.sandbox.story_case import PHASES
from returns_pipeline.settings import load_settings
from returns_pipeline_tests.sandbox.test_story import START

NAMES = {
    "RETURNGO_BASE_URL",
    "RETURNGO_API_KEY",
    "RETURNGO_EU_API_KEY",
    "BRIGHTPEARL_BASE_URL",
    "BRIGHTPEARL_APP_REF",
    "BRIGHTPEARL_ACCOUNT_TOKEN",
}


class Admin:
    """A caller of the admin address and of both APIs with the environment the sandbox told."""

    def __init__(self, running):
        self.running = running
        self.environment = running.environment()

    def get(self, path):
        return requests.get(self.running.admin_url + path, timeout=10)

    def post(self, path, body):
        return requests.post(self.running.admin_url + path, json=body, timeout=30)

    def act(self, actor, verb, **arguments):
        return self.post("/act", {"actor": actor, "verb": verb, **arguments})

    def returngo(self, path, shop="uk"):
        key = self.environment["RETURNGO_API_KEY" if shop == "uk" else "RETURNGO_EU_API_KEY"]
        headers = {"x-api-key": key, "x-shop-name": f"acme-{shop}.myshopify.com"}
        return requests.get(self.environment["RETURNGO_BASE_URL"] + path, headers=headers, timeout=10)

    def brightpearl(self, path):
        headers = {
            "brightpearl-app-ref": self.environment["BRIGHTPEARL_APP_REF"],
            "brightpearl-account-token": self.environment["BRIGHTPEARL_ACCOUNT_TOKEN"],
        }
        return requests.get(self.environment["BRIGHTPEARL_BASE_URL"] + path, headers=headers, timeout=10)


@pytest.fixture
def admin():
    with serve(7) as running:
        yield Admin(running)


def test_what_the_sandbox_tells_lets_a_caller_into_both_apis(admin):
    assert set(admin.environment) == NAMES
    assert [admin.returngo("/rmas?pagesize=1", shop).status_code for shop in ("uk", "eu")] == [200, 200]
    assert admin.brightpearl("/warehouse-service/warehouse").status_code == 200


def test_the_settings_it_tells_are_accepted_and_fit_its_account(admin, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text(admin.running.settings_toml())
    settings = load_settings({"RETURNS_SETTINGS": str(file), "RETURNS_MODE": "live"})
    world = admin.running.retailer.brightpearl
    statuses = settings.brightpearl.statuses
    assert [shop.label for shop in settings.shops] == ["uk", "eu"]
    assert {world.statuses[each].order_type for each in vars(statuses).values()} == {"SC"}
    for shop in settings.shops:
        assert shop.channel_id in world.channels
        assert {*shop.returns_warehouses.values(), *shop.saleable_warehouses.values()} <= set(world.warehouses)


def test_a_repeated_fee_is_told_to_the_settings(admin):
    admin.post("/switches", {"returngo": {"rma_fee_on_every_item": True}})
    assert tomllib.loads(admin.running.settings_toml())["returngo"]["fee_scope"] == "rma"


def test_a_person_can_act_over_the_admin_address(admin):
    order_name = admin.act("customer", "buy").json()["order_name"]
    asked = admin.act("customer", "request_return", order_name=order_name).json()
    assert admin.act("cx", "approve", rma_id=asked["rma_id"]).json()["status"] == "Approved"
    assert admin.returngo(f"/rma/{asked['rma_id']}").json()["orderDetails"]["order_name"] == order_name
    credit_id = admin.act("returngo_link", "raise_credit", rma_id=asked["rma_id"]).json()["credit_id"]
    assert admin.act("warehouse", "receive", rma_id=asked["rma_id"]).json()["booked"]
    state = admin.get("/state").json()
    assert state["returngo"]["by_status"] == {"Approved": 1}
    assert [credit["credit_id"] for credit in state["brightpearl"]["credits"]] == [credit_id]
    assert state["brightpearl"]["goods_in"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/act", {"actor": "cx", "verb": "approve", "rma_id": 1}, 409),
        ("/act", {"actor": "cx", "verb": "fly"}, 400),
        ("/act", {"verb": "approve"}, 400),
        ("/story/play", {"day": 0, "phase": "noon"}, 409),
        ("/advance", {"hours": -1}, 400),
        ("/switches", {"brightpearl": {"no_such_switch": 1}}, 400),
        ("/faults", {"kind": "earthquake"}, 400),
        ("/nowhere", {}, 404),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(admin, path, body, status):
    answer = admin.post(path, body)
    assert (answer.status_code, bool(answer.json()["message"])) == (status, True)


def test_a_whole_story_is_played_over_http(admin):
    days = admin.get("/story").json()["days"]
    for day in days:
        for phase in PHASES:
            played = admin.post("/story/play", {"day": day["day"], "phase": phase}).json()
    story = admin.get("/story").json()
    assert played["returns"] == story["returns"] >= 200
    assert len(story["kinds"]) >= 20
    assert all(kind["scenarios"] for kind in story["kinds"])
    assert admin.post("/story/play", {"day": len(days)}).json()[-1]["phase"] == "evening"


def test_the_story_ends_before_today_so_that_no_stamp_lies_in_the_future(admin):
    for day in (6, 7, 30):
        admin.running.story.play_day(day)
    assert admin.running.retailer.clock.now().timestamp() < time.time()


def test_the_clock_is_moved_by_hours_or_to_the_real_moment(admin):
    before = admin.running.retailer.clock.now()
    assert admin.post("/advance", {"hours": 1.5}).status_code == 200
    assert (admin.running.retailer.clock.now() - before).total_seconds() == 5400
    admin.post("/advance", {"to_now": True})
    assert abs(admin.running.retailer.clock.now().timestamp() - time.time()) < 60


def test_requests_are_logged_with_their_order_and_writes_can_be_seen_alone(admin):
    admin.returngo("/rmas?pagesize=3")
    admin.brightpearl("/order-service/order/500001")
    log = admin.get("/requests").json()
    assert [entry["query"] for entry in log["returngo"]] == ["pagesize=3"]
    assert log["brightpearl"][0]["path"].endswith("/order-service/order/500001")
    assert admin.get("/requests?api=returngo&after=1").json() == {"returngo": []}
    assert admin.get("/requests?writes=true").json() == {"returngo": [], "brightpearl": []}


def test_switches_are_shown_and_set_while_it_runs(admin):
    changed = admin.post(
        "/switches", {"brightpearl": {"period_locked_until": "2026-03-31"}, "returngo": {"daily_quota": 0}}
    ).json()
    assert changed["brightpearl"]["period_locked_until"] == "2026-03-31"
    assert admin.returngo("/rmas?pagesize=1").status_code == 429
    assert admin.get("/switches").json() == changed


def test_faults_are_set_counted_and_cleared_while_it_runs(admin):
    admin.post("/faults", {"kind": "status_before_commit", "api": "returngo", "status": 502, "count": 1})
    assert [admin.returngo("/rmas?pagesize=1").status_code for _ in range(2)] == [502, 200]
    assert admin.get("/faults").json()[0]["done"] == 1
    assert requests.delete(admin.running.admin_url + "/faults", timeout=10).json() == []


def test_the_same_seed_and_start_serve_the_same_world():
    def told():
        with serve(11, start=START) as running:
            Admin(running).post("/story/play", {"day": 0})
            return Admin(running).get("/state").json()

    assert told() == told()


def test_it_runs_as_a_process_of_its_own_and_writes_down_how_to_meet_it(tmp_path):
    told = tmp_path / "sandbox.json"
    command = [
        sys.executable,
        "-m",
        "returns_pipeline.sandbox.serve",
        "--seed",
        "7",
        "--living",
        "--write-environment",
        str(told),
    ]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 30
        while not told.exists() and process.poll() is None and time.monotonic() < deadline:
            process_wait(process)
        described = json.loads(told.read_text())
        assert set(described["environment"]) == NAMES
        assert requests.get(described["admin_url"] + "/story", timeout=10).json()["days"]
        assert tomllib.loads(described["settings_toml"])["shops"]
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def process_wait(process):
    """Gives the process a moment, ending at once if it dies."""
    try:
        process.wait(timeout=0.05)
    except subprocess.TimeoutExpired:
        return
