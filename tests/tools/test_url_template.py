"""URLs with arguments: no argument changes the host, the number of segments, or the query."""

from typing import Any
from urllib.parse import unquote

import httpx2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from media_pod.manifest.validation import SpecError
from media_pod.tools.arguments import ArgumentsError
from media_pod.tools.url_template import UrlTemplate

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text("./\\%;?#&=@:2eE5cCfF")
URL = "https://api.example.com:8443/v1/orders/{id}/lines.{line}?full={full}&of=x"


def template(text: str, *hosts: str) -> UrlTemplate:
    return UrlTemplate(text, hosts, "tool order")


@given(TEXT, TEXT, TEXT)
def test_no_argument_changes_the_host_the_path_or_the_query(id_: str, line: str, full: str) -> None:
    try:
        expanded = template(URL).expand({"id": id_, "line": line, "full": full})
    except ArgumentsError:
        assume(False)
    url = httpx2.URL(expanded)
    assert (url.scheme, url.host, url.port, url.userinfo) == (
        "https",
        "api.example.com",
        8443,
        b"",
    )
    path, _, query = url.raw_path.decode().partition("?")
    segments = path.split("/")
    assert segments[:3] == ["", "v1", "orders"]
    assert len(segments) == 5
    assert unquote(segments[3]) == id_
    assert unquote(segments[4]) == f"lines.{line}"
    assert url.fragment == ""
    assert [pair.split("=", 1)[0] for pair in query.split("&")] == ["full", "of"]
    assert dict(url.params)["full"] == full


@given(TEXT)
def test_no_argument_is_a_step_to_another_folder_even_if_it_is_decoded_again(text: str) -> None:
    try:
        path = template("http://a/x/{id}/y").expand({"id": text}).removeprefix("http://a")
    except ArgumentsError:
        return
    for _ in range(3):
        path = unquote(path)
        assert not {".", ".."} & set(path.replace("\\", "/").split("/"))


@pytest.mark.parametrize(
    "value",
    ["", " ", ".", "..", "../admin", "a/../b", "..\\b", "%2e%2e", "%252e%252e/b", "..;x", "a\nb",
     "a\x00", None, [1], {"a": 1}],
)  # fmt: skip
def test_what_cannot_be_a_segment_is_told_to_the_model(value: Any) -> None:
    with pytest.raises(ArgumentsError, match=r"^id: found .*expected"):
        template("http://a/x/{id}").expand({"id": value})


def test_two_arguments_make_no_step_together() -> None:
    with pytest.raises(ArgumentsError, match="a, b: found"):
        template("http://a/x/{a}{b}/y").expand({"a": ".", "b": "."})


@pytest.mark.parametrize(
    ("value", "segment"),
    [("A-1", "A-1"), ("a/b", "a%2Fb"), ("é ?", "%C3%A9%20%3F"), (17, "17"), (True, "true"),
     (1.5, "1.5"), ("1.5/2.0", "1.5%2F2.0"), ("...", "...")],
)  # fmt: skip
def test_other_values_are_one_segment(value: Any, segment: str) -> None:
    assert template("http://a/x/{id}").expand({"id": value}) == f"http://a/x/{segment}"


def test_a_pair_of_the_query_without_its_argument_is_left_out() -> None:
    url = template("http://a/x?limit={limit}&of={of}&all=1")
    assert url.expand({"of": "b&c"}) == "http://a/x?of=b%26c&all=1"
    assert template("http://a/x?limit={limit}").expand({"limit": None}) == "http://a/x"


def test_a_missing_segment_and_a_long_url_are_errors() -> None:
    with pytest.raises(ArgumentsError, match="id: found nothing"):
        template("http://a/{id}").expand({})
    with pytest.raises(ArgumentsError, match="8000"):
        template("http://a/{id}").expand({"id": "x" * 9000})


@given(TEXT)
def test_an_argument_chooses_among_listed_hosts_only(text: str) -> None:
    url = template("https://{region}.example.com/x", "eu.example.com", "us.example.com")
    try:
        host = httpx2.URL(url.expand({"region": text})).host
    except ArgumentsError:
        return
    assert host in ("eu.example.com", "us.example.com")


def test_a_listed_host_is_reached_and_another_named() -> None:
    url = template("https://{region}.example.com/x", "eu.example.com", "us.example.com")
    assert url.host is None
    assert url.expand({"region": "EU"}) == "https://eu.example.com/x"
    with pytest.raises(ArgumentsError, match=r"evil\.com/.*expected one of eu\.example\.com, us"):
        url.expand({"region": "evil.com/"})


@pytest.mark.parametrize(
    ("text", "hosts", "found"),
    [
        ("https://{host}/x", (), "allowedHosts"),
        ("https://api.example.com/x", ("other.example.com",), "other.example.com"),
        ("https://user:secret@example.com/", (), "without user"),
        ("https://example.com/#top", (), "#fragment"),
        ("https://example.com:{port}/", (), "host or host:port"),
        ("https://example.com:99999/", (), "port"),
        ("https://example.com/a/../b", (), "without . and .."),
        ("https://example.com/{a b}", (), "{name}"),
        ("https://example.com/{id", (), "{name}"),
        ("https://example.com/a\\b", (), "RFC 3986"),
        ("https://example.com/%zz", (), "RFC 3986"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(
    text: str, hosts: tuple[str, ...], found: str
) -> None:
    with pytest.raises(SpecError) as failed:
        template(text, *hosts)
    assert str(failed.value).startswith("tool order: url: found ")
    assert found in str(failed.value)


def test_the_place_of_the_server() -> None:
    url = template("http://[::1]:8080/{a}?b={b}")
    assert (url.host, url.port, url.secure) == ("::1", 8080, False)
    assert url.names == {"a", "b"}
    assert (template("https://A.example/").host, template("https://a/").port) == ("a.example", 443)
