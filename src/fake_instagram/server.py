"""The server: a proxy on the loopback that ends TLS for Instagram's hosts and answers their requests."""

import hashlib
import pickle
import socket
import ssl
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, Self

from fake_instagram.answer import Answer
from fake_instagram.fault_rules import FaultRule, faulty
from fake_instagram.nodes import CDN
from fake_instagram.routes import Asked, Routes
from fake_instagram.site import Site
from likerank.errors import LikerankError

try:
    import trustme
except ModuleNotFoundError as error:
    raise LikerankError(
        "The fake Instagram needs trustme: pip install 'likerank[fake-instagram]'."
    ) from error

_HOSTS: Final = ("www.instagram.com", "i.instagram.com", CDN)
_IDLE: Final = 120.0  # Seconds after which a connection that asks nothing is closed.


class Request(NamedTuple):
    """A request that the server received.

    Attributes:
        kind: `start` (the first page), `page` (an account's page), `posts` (a further page of posts, logged
            out), `timeline` (a page of posts, logged in), `post` (one post's data), `profile` (an account's
            data), `login` (the session's username), `picture`, `video`, `face` (a profile picture), `other`.
        account: The first name of the requested account; None where no existing account was requested.
        post: The shortcode of the requested post, or None.
        fault: The kind of the fault rule that applied, or None.
    """

    kind: str
    account: str | None
    post: str | None
    fault: int | str | None


class FakeInstagram:
    """Serves a site to processes with `environment`; a context manager, its server a thread of this process.

    It sends no request of its own, and refuses hosts that are not Instagram's.

    Attributes:
        site: The served site; its `day` may be set at any time.
        fault_rules: The rules for faulty answers; may be changed at any time.
    """

    def __init__(
        self,
        site: Site,
        fault_rules: Sequence[FaultRule] = (),
        port: int = 0,
    ) -> None:
        """Takes the site; the server starts on entering the `with` statement.

        Args:
            site: The accounts and posts.
            fault_rules: The initial rules.
            port: The port on 127.0.0.1; 0 for any free port.
        """
        self.site = site
        self.fault_rules = list(fault_rules)
        self._port = port
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._routes = Routes(site)
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory()
        authority = trustme.CA()
        self._certificate = Path(self._folder.name) / "authority.pem"
        authority.cert_pem.write_to_path(str(self._certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*_HOSTS).configure_cert(context)
        self._ended.clear()
        try:
            self._server = _Server(("127.0.0.1", self._port), self, context)
        except (OSError, OverflowError) as error:
            raise LikerankError(
                f"The fake Instagram cannot listen on port {self._port} ({error}); set another port, or 0 "
                "for any free one."
            ) from error
        # The poll interval bounds how long closing takes.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return int(self._server.server_address[1])

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send Instaloader (and all of requests) here instead of to Instagram."""
        proxy = f"http://127.0.0.1:{self.port}"
        # In lower case as well: where both are set, requests takes that one.
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "no_proxy": "",
            "REQUESTS_CA_BUNDLE": str(self._certificate),
        }

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in order."""
        with self._lock:
            return list(self._requests)

    def forget_requests(self) -> None:
        """Empties `requests`."""
        with self._lock:
            self._requests.clear()

    def write_session(self, username: str, path: str | Path) -> None:
        """Writes a session file of a logged-in visitor, as `instaloader --login` does.

        Args:
            username: The visitor's name, not one of the site's accounts.
            path: The file.
        """
        digest = hashlib.blake2b(f"{self.site.seed} {username}".encode()).hexdigest()
        number = str(int(digest[:9], 16))
        cookies = {
            "csrftoken": digest[16:48],
            "sessionid": f"{number}%3A{digest[48:62]}%3A7%3A{digest[62:100]}",
            "ds_user_id": number,
            "mid": digest[100:128],
            "ig_did": digest[:32].upper(),
        }
        self._routes.sessions[cookies["sessionid"]] = username
        path = Path(path)
        path.touch(0o600)
        path.write_bytes(pickle.dumps(cookies))

    def expire_sessions(self) -> None:
        """Logs all visitors out: from now on their sessions are redirected to the login page."""
        self._routes.sessions.clear()

    def _answer(self, asked: Asked) -> Answer:
        """Answers a request, rightly or with a fault; called by the server's threads."""
        meaning = self._routes.meaning(asked)
        account, post = meaning.account, meaning.post
        names = () if account is None else (account.first_name, account.name_on(self.site.day))
        with self._lock:
            rule = next(
                (r for r in self.fault_rules if r.fits(meaning.kind, names) and r.applies_next()), None
            )
            code, fault = post.code if post else None, rule.kind if rule else None
            self._requests.append(Request(meaning.kind, names[0] if names else None, code, fault))
        if rule is None:
            return meaning.answer
        if rule.kind == "slow":
            self._ended.wait(rule.seconds)
        return faulty(rule.kind, meaning.answer)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    # A thread that waits for a client's next request ends with its connection: `end_connections` closes it.
    block_on_close = False

    def __init__(self, address: tuple[str, int], instagram: FakeInstagram, context: ssl.SSLContext) -> None:
        super().__init__(address, _Handler)
        self.instagram = instagram
        self.context = context
        self.connections: set[socket.socket] = set()

    def end_connections(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Prints nothing about clients that closed the connection."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError, ssl.SSLError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = _IDLE
    disable_nagle_algorithm = True
    wbufsize = -1
    host = ""

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()
        self.connection.close()

    def do_CONNECT(self) -> None:
        host = self.path.rpartition(":")[0]
        if host not in _HOSTS or self.host:
            self.send_error(403, "The fake Instagram serves Instagram's hosts only")
            return
        self.host = host
        self.send_response_only(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        # The handler's next request comes through the tunnel.
        self.server.connections.discard(self.connection)
        self.connection = self.server.context.wrap_socket(
            self.connection, server_side=True, do_handshake_on_connect=False
        )
        self.server.connections.add(self.connection)
        self.connection.do_handshake()
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", self.wbufsize)
        self.close_connection = False

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401
        """Prints nothing: the server keeps a list of its requests."""

    def _reply(self) -> None:
        if hasattr(socket, "TCP_QUICKACK"):
            # Through a proxy, urllib3 sends a body only once its headers are acknowledged: 40 ms otherwise.
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.host:
            self.send_error(400, "The fake Instagram is a proxy for https only")
            return
        answer = self.server.instagram._answer(Asked(self.host, self.path, body.decode(), self.headers))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.breaks_off else answer.body)
        self.close_connection = self.close_connection or answer.breaks_off

    do_GET = do_POST = do_HEAD = _reply  # noqa: N815
