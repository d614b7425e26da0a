"""HTTP, HTTPS, the broken web server, and the proxy between."""

from __future__ import annotations

import http.client
import ssl

import pytest

from lab_env.services.proxy import Refusal, address_of, forwarded, parse, target
from tests.lab_env.services.clients import HOST, PATIENCE, connect


def get(port: int, path: str, **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    client = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    client.request("GET", path, headers=headers)
    response = client.getresponse()
    body = response.read()
    client.close()
    return response.status, body, response.headers


def test_proxy_does_not_pass_the_password_on():
    request = parse(
        b"GET http://web.lab/a?b HTTP/1.1\r\nHost: web.lab\r\nProxy-Authorization: Basic x\r\n"
        b"Connection: keep-alive\r\n\r\n"
    )
    lines = forwarded(request).decode().split("\r\n")
    assert lines == [
        "GET /a?b HTTP/1.1",
        "Host: web.lab",
        "Via: 1.1 PortLab-proxy",
        "Connection: close",
        "",
        "",
    ]


def test_http_serves_a_page_and_the_files(serving, readme):
    port = serving("http")
    status, body, headers = get(port, "/")
    assert (status, b"web.lab" in body) == (200, True)
    assert "aiohttp" in headers["Server"]
    assert get(port, "/files/readme.txt")[:2] == (200, readme)
    assert get(port, "/files/../key.pem")[0] == 404
    assert serving.logged("http: GET /files/readme.txt from 127.0.0.1: 200")
    assert serving.logged("404")


def test_https_shows_a_certificate_good_for_the_host(serving, trusting):
    port = serving("http", tls=True)
    with connect(port) as plain, trusting.wrap_socket(plain, server_hostname="web.lab") as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: web.lab\r\nConnection: close\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 OK")
    with connect(port) as plain, pytest.raises(ssl.SSLCertVerificationError):
        trusting.wrap_socket(plain, server_hostname="example.org")


@pytest.mark.parametrize("path", ["/", "/anything?x=1"])
def test_broken_server_answers_500(serving, path):
    status, body, _ = get(serving("http-error"), path)
    assert status == 500
    assert b"broken" in body
    assert serving.logged(": 500")


@pytest.fixture
def web_on_80(serving, monkeypatch):
    """A web server the proxy thinks of as port 80's."""
    port = serving("http")
    monkeypatch.setattr("lab_env.services.proxy.HTTP_PORT", port)
    return port


LOGIN = {"Proxy-Authorization": "Basic c3R1ZGVudDpuZXRwbHVz"}  # student:netplus


def test_proxy_fetches_for_a_client(serving, web_on_80, readme):
    proxy = serving("proxy")
    assert get(proxy, "http://web.lab/files/readme.txt", **LOGIN)[:2] == (200, readme)
    assert get(proxy, f"http://{HOST}:{web_on_80}/", **LOGIN)[0] == 200
    assert serving.logged("proxy: GET http://web.lab/files/readme.txt for student from 127.0.0.1")


@pytest.mark.parametrize(
    "login",
    [
        {},
        {"Proxy-Authorization": "Basic c3R1ZGVudDp3cm9uZw=="},  # student:wrong
        {"Proxy-Authorization": "Basic no base64!"},
        {"Proxy-Authorization": "Bearer c3R1ZGVudDpuZXRwbHVz"},
    ],
)
def test_proxy_wants_a_login(serving, login):
    status, body, headers = get(serving("proxy"), "http://web.lab/", **login)
    assert (status, headers["Proxy-Authenticate"]) == (407, 'Basic realm="lab"')
    assert b"wants a login" in body
    assert serving.logged("proxy: 407 to 127.0.0.1")


def test_proxy_opens_a_tunnel(serving, web_on_80, readme):
    client = http.client.HTTPConnection(HOST, serving("proxy"), timeout=PATIENCE)
    client.set_tunnel("web.lab", web_on_80, headers=LOGIN)
    client.request("GET", "/files/readme.txt")
    assert client.getresponse().read() == readme
    client.close()


def test_proxy_that_cannot_reach_the_server_says_so(serving, web_on_80):
    proxy = serving("proxy")
    serving.loop.run(serving.running[0].close())
    assert get(proxy, "http://web.lab/", **LOGIN)[0] == 502


def test_proxy_that_is_asked_for_no_uri_says_what_it_is(serving):
    status, body, headers = get(serving("proxy"), "/", **LOGIN)
    assert (status, headers["Server"]) == (400, "PortLab-proxy")
    assert b"This is a proxy" in body


@pytest.mark.parametrize(
    ("method", "uri", "wanted"),
    [
        ("GET", "http://web.lab/a?b", ("web.lab", 80)),
        ("GET", "http://web:443/", ("web", 443)),
        ("CONNECT", "web.lab:443", ("web.lab", 443)),
        ("CONNECT", "web.lab:22", 403),
        ("GET", "http://web.lab:22/", 403),
        ("GET", "ftp://web.lab/", 400),
        ("GET", "/", 400),
        ("GET", "http://web.lab:port/", 400),
        ("CONNECT", "", 400),
    ],
)
def test_target(method, uri, wanted):
    if isinstance(wanted, tuple):
        assert target(method, uri) == wanted
        return
    with pytest.raises(Refusal) as refusal:
        target(method, uri)
    assert refusal.value.status == wanted


@pytest.mark.parametrize(
    ("host", "address"),
    [("web", HOST), ("web.lab", HOST), (HOST, HOST), ("example.org", None), ("192.0.2.1", None), ("", None)],
)
def test_proxy_knows_only_the_lab(prepared, host, address):
    if address:
        assert address_of(prepared, host) == address
        return
    with pytest.raises(Refusal) as refusal:
        address_of(prepared, host)
    assert refusal.value.status == 403
