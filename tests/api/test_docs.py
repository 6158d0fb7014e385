"""The documentation works with no internet."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from exposure.api.docs import docs_endpoints
from fakes.api_house import ApiHouse


class References(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.inline: list[str] = []
        self._tag = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.urls += [value for name, value in attrs if name in ("src", "href") and value]
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style") and data.strip():
            self.inline.append(data)


async def references(api: ApiHouse) -> References:
    return References((await api.get("/docs")).text)


async def test_every_asset_of_the_page_is_served_by_this_api(api: ApiHouse) -> None:
    found = await references(api)
    assert len(found.urls) == 4
    for url in found.urls:
        assert re.match(r"/[^/]", url), f"{url} leads to another host"
        answer = await api.get(url)
        assert (answer.status_code, len(answer.content) > 50) == (200, True)


async def test_assets_are_named_after_their_content_and_kept_for_ever(api: ApiHouse) -> None:
    for url in (await references(api)).urls:
        assert (await api.get(url)).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await api.get("/docs")).headers["cache-control"] == "no-cache"


async def test_each_asset_has_the_type_a_browser_insists_on_under_nosniff(api: ApiHouse) -> None:
    types = {
        url.rpartition(".")[2]: (await api.get(url)).headers["content-type"]
        for url in (await references(api)).urls
    }
    assert types["js"].startswith("text/javascript")
    assert types["css"].startswith("text/css")
    assert types["png"] == "image/png"


async def test_the_page_keeps_its_own_policy(api: ApiHouse) -> None:
    policy = (await api.get("/docs")).headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert "http" not in policy
    assert not (await references(api)).inline


async def test_neither_page_nor_style_sheet_names_another_host(api: ApiHouse) -> None:
    page = await api.get("/docs")
    assert "//" not in re.sub(r"<!DOCTYPE html>", "", page.text)
    [style] = [url for url in (await references(api)).urls if url.endswith(".css")]
    css = (await api.get(style)).text
    assert not re.search(r"@import|url\((?!\s*[\"']?data:)", css)


@pytest.mark.parametrize("name", ["redoc.standalone.js", "nosuch.js", "..%2f..%2f__init__.py", "%00"])
async def test_nothing_else_of_the_package_is_served(api: ApiHouse, name: str) -> None:
    [script] = [url for url in (await references(api)).urls if url.endswith("start.js")]
    assert (await api.get(script.replace("start.js", name))).status_code == 404


def test_a_missing_package_is_told_when_the_api_is_built_and_not_at_the_first_visit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exposure.api.docs.find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="fastapi_offline"):
        docs_endpoints()


async def test_the_page_loads_this_apis_own_document(api: ApiHouse) -> None:
    [script] = [url for url in (await references(api)).urls if url.endswith("start.js")]
    assert "url: '/openapi.json'" in (await api.get(script)).text


async def test_a_credential_typed_into_the_page_stays_in_it_and_goes_to_this_api_alone(api: ApiHouse) -> None:
    [start] = [url for url in (await references(api)).urls if url.endswith("start.js")]
    script = (await api.get(start)).text
    assert "X-API-Key" in script
    assert "Bearer" in script
    assert not re.search(r"storage|cookie|//", script, re.IGNORECASE)
    assert "connect-src 'self'" in (await api.get("/docs")).headers["content-security-policy"]
