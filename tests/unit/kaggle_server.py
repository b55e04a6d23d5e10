"""A stand-in for Kaggle: the part of its protocol that the `kaggle` package (2.2) speaks to download a competition.

The package's host cannot be named, but `KAGGLE_API_ENVIRONMENT=LOCALHOST` sends it to http://localhost and it honours
`http_proxy`; so this server plays the proxy and answers in the place of localhost and of the storage that Kaggle
redirects to. What it speaks, as read from the package's source:

    POST /api/v1/security.OAuthService/IntrospectToken                {"active": true, "username": ...}
    POST /api/v1/competitions.CompetitionApiService/ListDataFiles     {"files": [{"name", "totalBytes"}], ...}
    POST /api/v1/competitions.CompetitionApiService/DownloadDataFiles  302 to the storage; 403 before rules are accepted
    GET  http://storage.example/<id>.zip                              Range and If-Range, ETag, Last-Modified
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

USER, KEY, TOKEN = "someone", "0123456789abcdef", "KGAT_0123"
ETAG = '"v1"'
MODIFIED = "Sat, 01 Nov 2025 10:00:00 GMT"


@dataclass
class Kaggle:
    """What the stand-in knows, and what it was asked."""

    archives: dict[str, bytes] = field(default_factory=dict)
    accepted: bool = True
    """This account accepted the competitions' rules."""
    listed_bytes: int = 1000
    """Size of the competition's files as listed."""
    cut_after: int | None = None
    """The first download's connection breaks after so many bytes."""
    hold_after: int | None = None
    """The first download waits after so many bytes until `go_on` is set, and then breaks."""
    go_on: threading.Event = field(default_factory=threading.Event)
    address: str = ""
    asked: list[str] = field(default_factory=list)
    """`METHOD path` of every request, with the first byte of a range."""

    def environment(self, home: Path, **credentials: str) -> dict[str, str]:
        """Variables that send the package here, for a user whose home is `home`."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("KAGGLE_", "XDG_"))}
        kept = {name: value for name, value in kept.items() if "proxy" not in name.lower()}
        here = {"HOME": str(home), "KAGGLE_API_ENVIRONMENT": "LOCALHOST", "http_proxy": self.address}
        return {**kept, **here, **credentials}


class Answers(BaseHTTPRequestHandler):
    """One request."""

    kaggle: Kaggle
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.kaggle.asked.append(f"POST {path.rpartition('/')[2]}")
        if path.endswith("/IntrospectToken"):
            self._json(200, {"active": asked.get("token") == TOKEN, "username": USER})
        elif not self._signed_in():
            self._json(401, {"code": 401, "message": "Unauthenticated"})
        elif path.endswith("/ListDataFiles"):
            self._json(200, {"files": [{"name": "train.csv", "totalBytes": self.kaggle.listed_bytes}]})
        elif asked["competitionName"] not in self.kaggle.archives:
            self._json(404, {"code": 404, "message": "Not found"})
        elif not self.kaggle.accepted:
            self._json(403, {"code": 403, "message": "You must accept this competition's rules before downloading."})
        else:
            place = f"http://storage.example/{asked['competitionName']}.zip?signature=1"
            self._send(302, b"", {"Location": place})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        content = self.kaggle.archives[path.strip("/").removesuffix(".zip")]
        begin = 0
        if self.headers.get("Range") and self.headers.get("If-Range") == ETAG:
            begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        self.kaggle.asked.append(f"GET {path} {begin}")
        about = {"ETag": ETAG, "Last-Modified": MODIFIED, "Accept-Ranges": "bytes", "Content-Type": "application/zip"}
        if begin:
            about["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        cut, self.kaggle.cut_after = self.kaggle.cut_after, None
        hold, self.kaggle.hold_after = self.kaggle.hold_after, None
        self._send(206 if begin else 200, content[begin:], about, cut or hold)
        if hold:
            self.wfile.flush()
            self.kaggle.go_on.wait()

    def _signed_in(self) -> bool:
        basic = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
        return self.headers.get("Authorization") in (f"Basic {basic}", f"Bearer {TOKEN}")

    def _json(self, status: int, content: Mapping[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True


@contextmanager
def kaggle_server(**facts: Any) -> Iterator[Kaggle]:
    """A stand-in on a free port of loopback, for as long as the context lasts."""
    kaggle = Kaggle(**facts)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneKaggle", (Answers,), {"kaggle": kaggle}))
    kaggle.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kaggle
    finally:
        kaggle.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
