"""The dashboard as a person uses it: real Chromium, by what is to be read on a page and by the roles of its parts."""

import asyncio
import json
import re
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from fnhost.azurite import Azurite
from fnhost.host.durable.storage.hub import HubSettings
from fnhost.host.durable.storage.sqlite import SqliteHub
from tests.support.browser import chromium, opened
from tests.support.emulators import free_ports
from tests.support.hosts import Host, launched, running

SHOP = Path(__file__).parent / "apps" / "shop"
PAGES = "/runtime/dashboard/"
OLD = 10_000
"""Instances that are there before the host starts, ended and named `old-00000` and so on."""
GONE = 20
"""Others that one test purges: `gone-00` and so on."""
ORDER = {"order": 17, "card": "4111-1234", "items": [{"sku": "A-1", "n": 2}]}
STATUS = "/runtime/webhooks/durabletask/instances/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def settings(anyio_backend: str, storage: Azurite) -> Mapping[str, str]:
    """Of an app with a timer, which is locked in storage."""
    return {"AzureWebJobsStorage": storage.connection_string}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, settings: Mapping[str, str]) -> Iterator[Host]:
    app = shutil.copytree(SHOP, tmp_path_factory.mktemp("shop") / "shop")
    fill(app / ".fnhost" / "Shop.db")
    with running(app, **settings) as started:
        yield started


def fill(file: Path) -> None:
    """A hub with many instances, as months leave them behind."""
    file.parent.mkdir()
    with ThreadPoolExecutor(1) as thread:  # the browser has the loop of this one
        thread.submit(lambda: asyncio.run(create(file))).result()
    rows = [
        *(stored(f"old-{number:05}", number) for number in range(OLD)),
        *(stored(f"gone-{n:02}", n) for n in range(GONE)),
        stored("without-function", OLD, "Forgotten", "Running"),
    ]
    with closing(sqlite3.connect(file)) as database, database:
        database.executemany("INSERT INTO instances (id, status, created, row) VALUES (?, ?, ?, ?)", rows)


async def create(file: Path) -> None:
    async with SqliteHub(HubSettings("Shop"), file) as hub:
        await hub.create()


def stored(id: str, number: int, name: str = "Report", status: str = "Completed") -> tuple[str, str, str, str]:
    at = (datetime.now(UTC) - timedelta(days=2, seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    row = {
        "Name": name,
        "Version": "",
        "Input": str(number),
        "CreatedTime@odata.type": "Edm.DateTime",
        "CreatedTime": at,
        "ExecutionId": f"{number:032x}",
        "RuntimeStatus": status,
        "TaskHubName": "",
        "LastUpdatedTime@odata.type": "Edm.DateTime",
        "LastUpdatedTime": at,
        "Output": str(number) if status == "Completed" else None,
    }
    return id, status, at, json.dumps(row)


@pytest.fixture
def page(browser: Browser, host: Host) -> Iterator[Page]:
    with opened(browser, str(host.client.base_url)) as shown:
        yield shown


def reads(page: Page, *texts: str) -> None:
    """What stands on the page, in any order."""
    for text in texts:
        expect(page.locator("body")).to_contain_text(text)


def start(host: Host, name: str, given: object = None, **wanted: Any) -> str:
    """The id of an instance that has come as far as is wanted."""
    id = f"{name.lower()}-{uuid.uuid4().hex[:8]}"
    assert host.post(f"/api/orders/{name}/{id}", json=given).status_code == 202
    host.until(STATUS + id, **wanted)
    return id


def waiting_order(host: Host) -> str:
    return start(host, "OrderFlow", ORDER, customStatus={"step": 3, "of": 4, "done": "Pack"})


def failed_order(host: Host) -> str:
    return start(host, "OrderFlow", {"order": 20, "items": []}, runtimeStatus="Failed")


def test_the_overview_lists_functions_with_trigger_address_and_state(page: Page) -> None:
    page.goto(PAGES)
    functions = page.get_by_role("region", name="Functions")
    row = functions.get_by_role("row").filter(has_text="HttpStart")
    expect(row).to_contain_text("POST")
    expect(row).to_contain_text("/api/orders/{functionName}/{id?}")
    expect(row).to_contain_text("ok")
    expect(functions.get_by_role("row").filter(has_text="Nightly")).to_contain_text("next in")
    expect(page.get_by_role("region", name="Host")).to_contain_text("python")


def test_a_function_is_tried_and_its_invocation_opened(page: Page) -> None:
    page.goto(f"{PAGES}functions/Greet")
    form = page.get_by_role("form", name="Call Greet")
    form.get_by_label("method").select_option("POST")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("alert")).to_have_text("The route needs a value for name.")
    form.get_by_label("name", exact=True).fill("Ada Lovelace")
    form.get_by_label("body").fill('{"n": 1}')
    form.get_by_role("button", name="Send").click()
    result = page.get_by_role("status", name="Result")
    expect(result).to_contain_text("200")
    expect(result).to_contain_text("Ada Lovelace")
    result.get_by_role("link", name="Open invocation").click()
    reads(page, "POST /api/greet/Ada%20Lovelace", "greeting Ada Lovelace", "printed for Ada Lovelace", "content-type")


def test_what_failed_shows_the_users_line_and_is_sent_again_with_changes(page: Page, host: Host) -> None:
    page.goto(f"{PAGES}invocations")
    assert host.post("/api/quote", json={"items": [{"sku": "C-3", "n": 1}]}).status_code == 500
    page.get_by_role("button", name="Failed").click()
    page.get_by_role("row").filter(has_text="KeyError: 'C-3'").first.click()
    reads(page, "KeyError", "Quote/__init__.py:9", "in price")
    expect(page.get_by_role("figure", name="source").first.locator("[aria-current]")).to_contain_text("PRICES[item")
    page.get_by_role("button", name="Edit and send").click()
    form = page.get_by_role("form", name="Call Quote")
    expect(form.get_by_label("body")).to_have_value(re.compile("C-3"))
    form.get_by_label("body").fill('{"items": [{"sku": "A-1", "n": 3}]}')
    form.get_by_role("button", name="Send").click()
    reads(page, "sent again from", "200")
    expect(page.get_by_role("region", name="Response")).to_contain_text("12")


def test_a_timer_is_fired_now(page: Page) -> None:
    page.goto(f"{PAGES}functions/Nightly")
    page.get_by_role("button", name="Fire now").click()
    expect(page.get_by_role("status", name="Result")).to_contain_text("succeeded")
    page.get_by_role("link", name="Open invocation").click()
    reads(page, "counted the stock")


def test_invocations_come_in_without_a_reload_and_can_be_held(page: Page, host: Host) -> None:
    page.goto(f"{PAGES}invocations")
    reads(page, "live")
    assert host.get("/api/greet/first").status_code == 200
    expect(page.get_by_role("row").filter(has_text="/api/greet/first")).to_contain_text("200")
    page.keyboard.press("p")
    assert host.get("/api/greet/second").status_code == 200
    expect(page.get_by_role("button", name="Go on")).to_contain_text("new")
    expect(page.get_by_role("row").filter(has_text="/api/greet/second")).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("row").filter(has_text="/api/greet/second")).to_contain_text("200")


def test_a_refused_save_is_told_on_every_page_until_it_is_mended(page: Page, host: Host) -> None:
    page.goto(f"{PAGES}settings")
    reads(page, "extensions.durableTask.hubName", "host.json:")
    good = (host.app / "Greet" / "__init__.py").read_text("utf-8")
    host.write("Greet/__init__.py", good + "\nthis is no Python\n")
    bar = page.get_by_role("alert").filter(has_text="is refused")
    expect(bar).to_contain_text("Greet/__init__.py")
    bar.get_by_role("link", name="Reloads").click()
    expect(page.get_by_role("listitem").filter(has_text="refused").first).to_contain_text("Greet/__init__.py")
    host.write("Greet/__init__.py", good)
    expect(bar).to_have_count(0)


def test_secrets_are_not_shown(page: Page) -> None:
    page.goto(f"{PAGES}settings")
    row = page.get_by_role("row").filter(has_text="AzureWebJobsStorage")
    expect(row).to_contain_text(re.compile(r"set \(\d+ characters\)"))
    expect(page.locator("body")).not_to_contain_text("AccountKey=")


def test_both_themes_and_the_choice_is_kept(browser: Browser, host: Host) -> None:
    with opened(browser, str(host.client.base_url), color_scheme="dark") as page:
        page.goto(PAGES)
        body = page.locator("body")
        expect(body).to_have_css("background-color", "rgb(18, 19, 24)")
        page.get_by_role("button", name="light theme").click()
        expect(body).to_have_css("background-color", "rgb(246, 247, 249)")
        page.reload()
        expect(body).to_have_css("background-color", "rgb(246, 247, 249)")


def press_pair(page: Page, first: str, second: str, heading: str) -> None:
    """Again if it came to nothing, as one does: on a busy machine the second key may come too late after the first."""
    there = page.get_by_role("heading", name=heading)
    for _ in range(5):
        page.keyboard.press(first)
        page.keyboard.press(second)
        with suppress(PlaywrightTimeout):
            return there.wait_for(timeout=3000)
    expect(there).to_be_visible()


def test_keys_alone_lead_through_the_pages(page: Page, host: Host) -> None:
    page.goto(PAGES)
    reads(page, "live")
    assert host.get("/api/greet/keys").status_code == 200
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("go to invocations")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    press_pair(page, "g", "i", "Invocations")
    page.keyboard.press("/")
    page.keyboard.type("greet/keys")
    expect(page.get_by_role("row")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("[aria-selected=true]")).to_be_focused()
    page.keyboard.press("Enter")
    reads(page, "greeting keys")


def test_an_app_that_cannot_start_is_explained(browser: Browser, tmp_path: Path, settings: Mapping[str, str]) -> None:
    app = shutil.copytree(SHOP, tmp_path / "shop")
    good = (app / "Quote" / "function.json").read_text("utf-8")
    (app / "Quote" / "function.json").write_text(good.replace("httpTrigger", "htpTrigger"), "utf-8")
    (app / "host.json").write_text('{"version": "2.0",', "utf-8")
    with launched("start", app, "--port", 0, **settings) as (_, output):
        output.until("Dashboard: http://localhost:")
        (address,) = re.findall(r"Dashboard: (http://localhost:\d+)", output.text)
        with opened(browser, address) as page:
            explain(page, app, good)


def explain(page: Page, app: Path, good: str) -> None:
    page.goto(PAGES)
    problems = page.get_by_role("region", name="problem")
    expect(problems).to_contain_text("host.json")
    page.goto(f"{PAGES}functions")
    expect(page.get_by_role("alert")).to_contain_text("host.json")
    shutil.copy(SHOP / "host.json", app)
    page.goto(PAGES)
    expect(problems).to_contain_text("Quote/function.json:")
    (app / "Quote" / "function.json").write_text(good, "utf-8")
    expect(problems).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="Quote")).to_contain_text("ok")


def test_a_newcomer_learns_what_waits_why_one_failed_and_starts_it_again(page: Page, host: Host) -> None:
    waiting, failed = waiting_order(host), failed_order(host)
    page.goto(PAGES)
    waits = page.get_by_role("region", name="Waits for you")
    expect(waits.get_by_role("link").filter(has_text=waiting)).to_contain_text("event Approval")
    waits.get_by_role("link").filter(has_text=waiting).click()
    said = page.get_by_role("status", name="What it waits for")
    expect(said).to_contain_text(re.compile(r"Waits for the event .Approval.\s+since .+, at OrderFlow/__init__\.py:11"))
    expect(said.locator("[aria-current]")).to_contain_text('wait_for_external_event("Approval")')

    page.get_by_role("tab", name="Custom status").click()
    values = page.get_by_role("region", name="Values of the custom status").get_by_role("row")
    expect(values).to_have_count(4)
    expect(values.nth(1)).to_contain_text("step 2 → 3")
    expect(values.nth(3)).to_contain_text('"done":"Reserve"')

    page.get_by_role("link", name="Overview", exact=True).click()
    waits.get_by_role("link").filter(has_text=failed).click()
    said = page.get_by_role("status", name="Why it failed")
    expect(said).to_contain_text("Failed at Charge/__init__.py:5: KeyError: 'card'")
    expect(said.locator("[aria-current]")).to_contain_text('card = order["card"]')

    page.get_by_role("button", name="Restart").click()
    page.get_by_role("dialog").get_by_role("button", name="Restart").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(failed)
    expect(page.get_by_role("status", name="Why it failed")).to_contain_text("KeyError")


def test_a_raised_event_is_seen_to_its_end_without_a_reload(page: Page, host: Host) -> None:
    page.goto(f"{PAGES}instances/{waiting_order(host)}")
    page.get_by_role("button", name="Raise Approval").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Data").fill("{ not json")
    expect(dialog.get_by_role("button", name="Raise")).to_be_disabled()
    dialog.get_by_label("Data").fill('{"approved": true, "by": "Ada"}')
    dialog.get_by_role("button", name="Raise").click()
    reads(page, "Completed", "4 of 4", "DHL-17")
    expect(page.get_by_role("group", name="Actions").get_by_role("button")).to_have_text(["Restart", "Purge"])


def test_what_destroys_asks_once_and_enter_does_not_confirm(page: Page, host: Host) -> None:
    id = waiting_order(host)
    page.goto(f"{PAGES}instances/{id}")
    page.get_by_role("button", name="Suspend").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    reads(page, "takes nothing new until it is resumed")
    page.get_by_role("button", name="Resume").click()
    reads(page, "Waits for the event")

    page.get_by_role("button", name="Terminate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert host.get(STATUS + id).json()["runtimeStatus"] == "Running"
    page.get_by_role("button", name="Terminate").click()
    dialog.get_by_role("button", name="Terminate").click()
    reads(page, "Terminated")

    page.get_by_role("button", name="Purge").click()
    dialog.get_by_role("button", name="Purge").click()
    expect(page.get_by_role("heading", name="Instances")).to_be_visible()
    assert host.get(STATUS + id).status_code == 404


def test_what_failed_is_rewound_and_restarted_under_its_id(page: Page, host: Host) -> None:
    id = failed_order(host)
    page.goto(f"{PAGES}instances/{id}")
    page.get_by_role("button", name="Rewind").click()
    page.get_by_role("dialog").get_by_role("button", name="Rewind").click()
    reads(page, "The instance is rewound")
    host.until(STATUS + id, runtimeStatus="Failed")
    page.get_by_role("button", name="Restart").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("under the same id").check()
    dialog.get_by_role("button", name="Restart").click()
    reads(page, "The instance is restarted")
    expect(page.get_by_role("heading", level=1)).to_have_text(id)


def test_the_list_shows_custom_status_live_and_starts_instances(page: Page, host: Host) -> None:
    id = f"live-{uuid.uuid4().hex[:8]}"
    page.goto(f"{PAGES}instances?q={id}")
    reads(page, "No instance matches")
    page.get_by_role("button", name="Start new").click()
    form = page.get_by_role("form", name="Start an instance")
    form.get_by_label("orchestrator").select_option("OrderFlow")
    form.get_by_label("instance id").fill(id)
    form.get_by_label("input").fill(json.dumps(ORDER))
    form.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(id)
    page.go_back()
    row = page.get_by_role("row").filter(has_text=id)
    expect(row).to_contain_text("3 of 4")
    expect(row).to_contain_text("event Approval")
    assert host.post(f"{STATUS}{id}/raiseEvent/Approval", json={"approved": False, "why": "no"}).status_code == 202
    expect(row).to_contain_text("ValueError: the order is refused: no")
    expect(row).to_contain_text("Failed")


def test_ten_thousand_instances_are_paged_filtered_and_sorted(page: Page) -> None:
    page.goto(f"{PAGES}instances?name=Report&sort=id")
    grid = page.get_by_role("grid", name="Instances")
    expect(grid).to_contain_text("old-00000")
    assert int(grid.get_attribute("aria-rowcount") or 0) >= OLD
    scrolled = "box => { box.scrollTop = box.scrollHeight; return /old-00[4-9]/.test(box.innerText) }"
    page.wait_for_function(scrolled, arg=grid.get_by_role("rowgroup").element_handle())
    assert grid.get_by_role("row").count() < 60
    page.get_by_label("order").select_option("-created")
    page.get_by_label("id prefix or text").fill("old-0987")
    expect(grid.get_by_role("row")).to_have_count(11)
    expect(grid.get_by_role("row").nth(1)).to_contain_text("old-09870")
    page.get_by_role("button", name="Failed").click()
    reads(page, "No instance matches")
    page.get_by_role("button", name="Clear filter").first.click()
    expect(page.get_by_role("button", name="Completed")).to_contain_text(re.compile(r"10,\d{3}"))


def test_an_instance_whose_function_is_gone_says_so_and_offers_to_end_it(page: Page) -> None:
    page.goto(f"{PAGES}instances/without-function")
    expect(page.get_by_role("status", name="Why it cannot go on")).to_contain_text("Forgotten")
    expect(page.get_by_role("button", name="Terminate")).to_be_visible()


def test_all_of_a_filtered_list_are_purged_once_their_number_is_typed(page: Page) -> None:
    page.goto(f"{PAGES}instances?q=gone-")
    expect(page.get_by_label("with all of the list")).to_contain_text(f"With all {GONE}…")
    page.get_by_label("with all of the list").select_option("purge")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Purge")).to_be_disabled()
    dialog.get_by_label("Type their number").fill(str(GONE))
    dialog.get_by_role("button", name="Purge").click()
    reads(page, f"{GONE} instances done", "No instance matches")


def test_the_timeline_folds_a_fan_out_and_shows_a_retry_and_a_child(page: Page, host: Host) -> None:
    id = start(host, "Restock", customStatus="30 of 30 shelves counted")
    page.goto(f"{PAGES}instances/{id}")
    rows = page.get_by_role("treegrid", name="Rows of the timeline").get_by_role("row")
    expect(rows.filter(has_text=re.compile(r"timer\s*until"))).to_have_attribute("aria-label", re.compile("waiting"))
    expect(rows).to_have_count(5)
    rows.filter(has_text="30 Shelf").click()
    expect(page.get_by_role("region", name="Details of Shelf")).to_contain_text("30 of Shelf: 30 completed")
    expect(rows.filter(has_text="Shelf")).not_to_have_count(1)
    rows.filter(has_text="30 Shelf").click()
    rows.filter(has_text="Supplier").first.click()
    details = page.get_by_role("region", name="Details of Supplier")
    expect(details).to_contain_text("the supplier does not answer")
    expect(details.get_by_role("listitem")).to_have_count(3)
    gap = page.get_by_title(re.compile("without work are cut"))
    expect(gap).to_be_visible()
    page.keyboard.press("c")
    expect(gap).to_have_count(0)
    rows.filter(has_text="Report").click()
    page.get_by_role("link", name=re.compile("open instance")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{id}-report")
    reads(page, "child of")
    page.get_by_role("tab", name="Raw history").click()
    expect(page.get_by_role("row").filter(has_text="TaskScheduled")).to_contain_text("Shelf")
    page.get_by_role("tab", name="Code").click()
    reads(page, "Report/__init__.py", "def orchestrate")
    page.get_by_role("tab", name="Logs").click()
    expect(page.get_by_role("tabpanel", name="Logs")).to_be_visible()


def test_an_entity_is_signalled_and_its_failures_are_told(page: Page, host: Host) -> None:
    key = f"k{uuid.uuid4().hex[:6]}"
    page.goto(f"{PAGES}entities/Stock/{key}")
    added = host.post(
        f"/runtime/webhooks/durabletask/entities/Stock/{key}?op=add", json="7"
    )  # a text: so do SDKs for Python
    assert added.status_code == 202
    page.goto(f"{PAGES}entities")
    row = page.get_by_role("row").filter(has_text=key)
    expect(row).to_contain_text("7")
    row.get_by_role("link", name=key).click()
    form = page.get_by_role("form", name="Signal the entity")
    form.get_by_label("operation").fill("burn")
    form.get_by_role("button", name="Send signal").click()
    operations = page.get_by_role("region", name="Operations")
    expect(operations.get_by_role("row").filter(has_text="burn")).to_contain_text("Stock has no operation burn")


def test_text_of_users_is_text_and_pages_fit_a_narrow_window(browser: Browser, host: Host) -> None:
    id = "<img src=x onerror=alert(1)> 100%"
    started = host.post("/runtime/webhooks/durabletask/orchestrators/OrderFlow/a", json=ORDER)
    assert started.status_code == 202
    places = [
        "",
        "functions",
        "functions/Greet",
        "invocations",
        "instances",
        "instances/a",
        "entities",
        "settings",
        "reloads",
    ]
    with opened(browser, str(host.client.base_url), viewport={"width": 1000, "height": 700}) as page:
        for place in places:
            page.goto(PAGES + place)
            expect(page.get_by_role("main")).to_contain_text(re.compile(r"\w{3}"))
            assert page.evaluate("document.documentElement.scrollWidth") <= 1000, place
        page.goto(f"{PAGES}instances")
        page.get_by_role("button", name="Start new").click()
        form = page.get_by_role("form", name="Start an instance")
        form.get_by_label("orchestrator").select_option("OrderFlow")
        form.get_by_label("instance id").fill(id)
        form.get_by_role("button", name="Start").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(id)


def test_a_page_outlives_its_host(browser: Browser, tmp_path: Path, settings: Mapping[str, str]) -> None:
    app, port = shutil.copytree(SHOP, tmp_path / "shop"), free_ports().blob
    with opened(browser, f"http://localhost:{port}") as page:
        with running(app, "--port", port, **settings) as host:
            id = waiting_order(host)
            page.goto(f"{PAGES}instances/{id}")
            reads(page, "Waits for the event", "live")
        reads(page, "Connection lost")
        expect(page.get_by_role("heading", level=1)).to_have_text(id)
        with running(app, "--port", port, **settings):
            reads(page, "live")
            page.get_by_role("button", name="Suspend").click()
            page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
            reads(page, "takes nothing new until it is resumed")
