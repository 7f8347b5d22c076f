"""The dashboard as a person uses it: real Chromium, by what is to be read on a page and by the roles of its parts."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fnhost.azurite import Azurite
from tests.support.browser import chromium, opened
from tests.support.hosts import Host, launched, running

SHOP = Path(__file__).parent / "apps" / "shop"
PAGES = "/runtime/dashboard/"


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
    with running(app, **settings) as started:
        yield started


@pytest.fixture
def page(browser: Browser, host: Host) -> Iterator[Page]:
    with opened(browser, str(host.client.base_url)) as shown:
        yield shown


def reads(page: Page, *texts: str) -> None:
    """What stands on the page, in any order."""
    for text in texts:
        expect(page.locator("body")).to_contain_text(text)


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


def test_keys_alone_lead_through_the_pages(page: Page, host: Host) -> None:
    page.goto(PAGES)
    reads(page, "live")
    assert host.get("/api/greet/keys").status_code == 200
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("go to invocations")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.get_by_role("heading", name="Invocations")).to_be_visible()
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
