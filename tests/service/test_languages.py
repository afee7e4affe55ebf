"""Both languages are complete: every string is marked and translated, and a page speaks one language."""

from __future__ import annotations

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from fastapi.testclient import TestClient
from jinja2 import Environment

from service.nightly.runner import SCHEDULE
from service.web.kept_words import say_kept
from service.web.languages import WORDS_FOLDER, language
from service.web.script_words import SCRIPT_WORDS
from service.web.static_folder import STATIC_FOLDER
from tests.service.camera import runtime_of
from tests.service.everything import Everything

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "service"
TEMPLATES = SERVICE / "web" / "templates"
KEYWORDS = {"_": None, "words": None, "mark": None, "gettext": None, "ngettext": (1, 2)}
FIELD = re.compile(r"%\((\w+)\)s")
SPOKEN_ATTRIBUTES = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
# Words of the system itself, which a plant reads in every language.
NAMES = {
    "Kensa",
    "HOLD",
    "FAIL",
    "PASS",
    "SHA",
    "px",
    "English",
    "API",
    "Shift",
    "api",
    "openapi",
    "json",
    "CSV",
    "JSON",
    "EWMA",
    "AUROC",
    "ms",
}


def marked() -> set[str]:
    """Every message of the sources, by its English."""
    mappings = tomllib.loads((ROOT / "babel.toml").read_text())["mappings"]
    method_map = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    found = extract_from_dir(SERVICE, method_map, keywords=KEYWORDS)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


def test_every_marked_string_is_translated() -> None:
    with (WORDS_FOLDER / "ja.po").open("rb") as file:
        catalogue = read_po(file, locale="ja")
    known = {
        (message.id[0] if isinstance(message.id, tuple) else message.id): message for message in catalogue if message.id
    }
    assert len(marked()) > 150
    assert marked() - known.keys() == set(), "run `make words` and translate what it added"
    assert known.keys() - marked() == set(), "run `make words`: these are said no more"
    for english, message in known.items():
        japanese = message.string[0] if isinstance(message.string, tuple) else message.string
        assert japanese, f"{english!r} waits for a translation"
        assert not message.fuzzy
        assert set(FIELD.findall(japanese)) <= set(FIELD.findall(english)), english


def test_what_would_be_missed_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('{{ _("Not translated yet") }}')
    found = list(extract_from_dir(tmp_path, [("**.html", "jinja2")], keywords=KEYWORDS))
    assert found[0][2] == "Not translated yet"
    assert "Not translated yet" not in marked()


def unmarked_words(template: str) -> set[str]:
    """Words in a template that a reader would see or hear as they stand."""
    text = "".join(value for _, kind, value in Environment().lex(template) if kind == "data")
    spoken = SPOKEN_ATTRIBUTES.findall(text)
    bare = re.sub(r"<(pre|code|kbd)\b.*?</\1>|<!--.*?-->|<[^>]*>", " ", text, flags=re.DOTALL)
    # Tags that a template's own parts cut in two leave attributes behind.
    attributes = r"""[\w-]+=["'][^"']*["']?|</?[\w!]+|[\w-]+="|\b(?:lang|disabled|selected|hidden|data-[\w-]+)\b"""
    bare = re.sub(attributes, " ", bare)
    return set(re.findall(r"[A-Za-z]{2,}", " ".join([*spoken, bare]))) - NAMES


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_says_anything_unmarked(path: Path) -> None:
    assert unmarked_words(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "template",
    ["<p>Forgotten</p>", '<a aria-label="Forgotten" href="{{ x }}">', "{{ a }} Forgotten{% if b %}{% endif %}"],
)
def test_an_unmarked_word_is_noticed(template: str) -> None:
    assert unmarked_words(template) == {"Forgotten"}


def test_scripts_say_what_stands_in_their_list() -> None:
    said: set[str] = set()
    for script in STATIC_FOLDER.glob("*.js"):
        source = script.read_text(encoding="utf-8")
        said |= set(re.findall(r'words\(\s*"([^"]+)"', source))
        said |= set(re.findall(r'const message = "([^"]+)";', source))
        sentences = re.findall(r'(?<!words\()["`]([A-Z][a-z]+ [^"`]*)["`]', source)
        assert set(sentences) <= said, script.name
    assert said == set(SCRIPT_WORDS)


class Spoken(HTMLParser):
    """What a reader sees and hears of a page, but for what is marked as another language."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (
            self._silent
            or tag in ("pre", "code", "kbd", "script", "style", "datalist", "select")
            or (tag != "html" and "lang" in given)
        ):
            if tag not in ("link", "meta", "input", "img", "br", "rect", "line", "path", "image"):
                self._silent.append(tag)
            return
        self.text += [value for name, value in attrs if name in ("aria-label", "alt", "placeholder") and value]

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)


def spoken(html: str) -> str:
    parser = Spoken()
    parser.feed(html)
    return " ".join(parser.text)


JAPANESE = {"Accept-Language": "ja-JP,ja;q=0.9,en;q=0.5", "Accept": "text/html"}
# What the tests' camera and person call things.
GIVEN = re.compile(
    r"part-\w+|press-\d|bundle-[0-9a-f]+|Aiko Tanaka|/api/\S+|\d{4}-\d\d-\d\dT\S+|[0-9a-f]{64}|L\d|UTC|scratch|tiny"
    r"|[0-9a-f]{16}|line-[\d-]+|GOOD-1|BAD-1|dent|T\d"
)


def test_a_japanese_page_says_nothing_in_english(station: TestClient, tmp_path: Path) -> None:
    runtime = runtime_of(station)
    happened = Everything(station, runtime.database, runtime.shelf.directory.parent, tmp_path)
    english = {}
    for address in [*happened.addresses(), "/review/4711"]:
        page = station.get(address, headers=JAPANESE)
        assert page.status_code == (404 if address == "/review/4711" else 200), (address, page.text)
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", page.text), address
        english[address] = set(re.findall(r"[A-Za-z]{2,}", GIVEN.sub(" ", spoken(page.text)))) - NAMES
    assert {address: words for address, words in english.items() if words} == {}
    assert len(english) > 40


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "en"),
        ({"Accept-Language": "ja"}, "ja"),
        ({"Accept-Language": "en-GB,ja;q=0.4"}, "en"),
        ({"Accept-Language": "fr;q=1,ja;q=0.2,en;q=0.1"}, "ja"),
        ({"Accept-Language": "ja;q=nonsense,en;q=0.1"}, "en"),
        ({"Accept-Language": "*,;;q=,,\xff"}, "en"),
        ({"Accept-Language": "en", "Cookie": "kensa_language=ja"}, "ja"),
        ({"Accept-Language": "ja", "Cookie": "kensa_language=xx"}, "ja"),
    ],
)
def test_the_choice_counts_then_the_browser(station: TestClient, headers: dict[str, str], code: str) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    assert f'<html lang="{code}">' in station.get("/sign-in", headers=raw).text


def test_the_switch_leads_back_and_is_kept(station: TestClient) -> None:
    answer = station.get("/language/ja?next=/sign-in", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "kensa_language=ja" in answer.headers["set-cookie"]
    assert station.get("/language/ja?next=//elsewhere.example", follow_redirects=False).headers["location"] == "/"
    assert station.get("/language/xx").status_code == 422


@pytest.mark.parametrize(
    ("kept", "japanese"),
    [
        ("start of the service", "サービスの起動"),
        (f"{SCHEDULE}", "予定"),
        ("night line-2026-11-23", "夜間学習 line-2026-11-23"),
        ("rolled back from bundle-1", "bundle-1 から差し戻し"),
        ("automatic, after 200 shadowed parts", "シャドーで 200 個を採点した後、自動"),
        ("Aiko Tanaka", "Aiko Tanaka"),
        ("night shift was late", "night shift was late"),
    ],
)
def test_what_the_service_wrote_itself_is_said_in_the_readers_language(kept: str, japanese: str) -> None:
    assert say_kept(kept, language("en")) == kept
    assert say_kept(kept, language("ja")) == japanese


def test_numbers_and_counts_follow_the_language() -> None:
    assert language("en").number(12345) == "12,345"
    assert language("ja").words("%(count)s left", count=3) == "残り 3 件"
    assert language("en").words("100 %") == "100 %"
