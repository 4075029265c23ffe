# SPDX-License-Identifier: Apache-2.0
"""A registry that serves images of images.py, read-only, and fails when it is told to.

    registry = Registry()
    name = registry.serve(image, "team/app:v1")     → "127.0.0.1:PORT/team/app:v1"
    registry.serve_index([image, other], "team/app:v1")    one name for several architectures
    registry.require_basic("user", "secret")        or require_token("user", "secret")
    registry.fail("blobs", status=500, times=2)     the next two requests for blobs
    registry.hold("blobs")                          … wait until release()
    registry.truncate("blobs", times=1)             … break off in the middle
    registry.serve_vast("team/app:v1", image, size) the same with one more layer of that size, which never comes to its end
    registry.requests                               (method, path), in order
"""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import secrets
import socket
import threading
import urllib.parse

from images import CONFIG_TYPE, MANIFEST_TYPE

PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)$")
INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
PIECE = 64 * 1024


class Vast:
    """A layer that nobody has: its size is told, it begins, and it breaks off when the test lets it go."""

    def __init__(self, size):
        self.size = size
        self.digest = hashlib.sha256(secrets.token_bytes(16)).hexdigest()
        self.diff_id = self.digest
        self.path = self
        self.begun, self.let_go = threading.Event(), threading.Event()

    def send(self, stream):
        with contextlib.suppress(OSError):
            stream.write(b"\0" * PIECE)
            stream.flush()
        self.begun.set()
        self.let_go.wait()


class _Trouble:
    def __init__(self, kind, times, status=None, truncate=False):
        self.kind, self.times, self.status, self.truncate = kind, times, status, truncate


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self):
        # A client that goes away in the middle is no news.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self._serve(False)

    def do_GET(self):
        self._serve(True)

    def _serve(self, with_body):
        registry = self.server.registry
        url = urllib.parse.urlsplit(self.path)
        registry.note(self.command, url.path)
        if url.path == "/token":
            self._token(registry, urllib.parse.parse_qs(url.query))
            return
        challenge = registry.challenge_for(self.headers.get("Authorization", ""))
        if challenge:
            self._error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
            return
        if url.path in ("/v2/", "/v2"):
            self._reply(200, b"{}", "application/json")
            return
        match = PATH.match(url.path)
        trouble = registry.trouble_for(match["kind"]) if match else None
        found = registry.find(match["repository"], match["kind"], match["reference"]) if match else None
        if trouble and trouble.status:
            self._error(trouble.status, "UNKNOWN", "the test says so")
        elif not found:
            kind = "MANIFEST_UNKNOWN" if match and match["kind"] == "manifests" else "BLOB_UNKNOWN"
            self._error(404, kind, "not found")
        else:
            content, media_type, digest = found
            self._send(content, media_type, digest, with_body, bool(trouble and trouble.truncate))

    def _send(self, content, media_type, digest, with_body, is_cut):
        size = content.size if isinstance(content, Vast) else content.stat().st_size if hasattr(content, "stat") else len(content)
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(size))
        self.send_header("Docker-Content-Digest", f"sha256:{digest}")
        self.end_headers()
        if not with_body:
            return
        if isinstance(content, Vast):
            content.send(self.wfile)
            self.close_connection = True
            return
        left = size // 2 if is_cut else size
        if hasattr(content, "stat"):
            with open(content, "rb") as file:
                while left > 0:
                    left -= self.wfile.write(file.read(min(PIECE, left)))
        else:
            self.wfile.write(content[:left])
        if is_cut:
            self.wfile.flush()
            self.close_connection = True

    def _token(self, registry, query):
        if registry.is_user(self.headers.get("Authorization", "")):
            self._reply(200, json.dumps({"token": registry.token, "access_token": registry.token}).encode(), "application/json")
        else:
            self._error(401, "UNAUTHORIZED", "wrong name or password")

    def _error(self, status, code, message, headers=None):
        self._reply(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode(), "application/json", headers)

    def _reply(self, status, body, content_type, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), "Docker-Distribution-API-Version": "registry/2.0",
                            **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Registry:
    def __init__(self, host="127.0.0.1"):
        self._server = http.server.ThreadingHTTPServer((host, 0), _Handler)
        self._server.daemon_threads = True
        self._server.registry = self
        self._lock = threading.Condition()
        self._content = {}
        self._troubles = []
        self._held = set()
        self._user = self._scheme = None
        self.token = secrets.token_hex(16)
        self.requests = []
        self.address = f"{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._server.process_request(*self._server.get_request())

    def close(self):
        self.release()
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.socket.close()

    # ---- what there is ----

    def serve(self, image, name):
        """"team/app:v1" is this image from now on, also if it was another; answers the whole name."""
        repository, tag = name.rsplit(":", 1)
        self._serve_manifest(repository, tag, image.manifest, MANIFEST_TYPE)
        self._serve_parts(repository, image)
        return f"{self.address}/{name}"

    def serve_vast(self, name, image, size):
        """Answers the whole name, and the layer."""
        layer = Vast(size)
        return self.serve(image.derive(image.name, [layer]), name), layer

    def lose(self, layer):
        """Whoever has begun with it hears no more, nobody gets it from now on."""
        with self._lock:
            self._content = {key: found for key, found in self._content.items() if found[0] is not layer}
        layer.let_go.set()

    def serve_index(self, images, name):
        """One name for images of several architectures."""
        repository, tag = name.rsplit(":", 1)
        manifests = []
        for image in images:
            self._serve_manifest(repository, f"sha256:{image.digest}", image.manifest, MANIFEST_TYPE)
            self._serve_parts(repository, image)
            platform = {"os": "linux", "architecture": image.architecture}
            manifests.append({"mediaType": MANIFEST_TYPE, "size": len(image.manifest), "digest": f"sha256:{image.digest}", "platform": platform})
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}).encode()
        self._serve_manifest(repository, tag, index, INDEX_TYPE)
        return f"{self.address}/{name}"

    def _serve_manifest(self, repository, reference, manifest, media_type):
        digest = hashlib.sha256(manifest).hexdigest()
        with self._lock:
            for known in (reference, f"sha256:{digest}"):
                self._content[repository, "manifests", known] = manifest, media_type, digest

    def _serve_parts(self, repository, image):
        with self._lock:
            self._content[repository, "blobs", f"sha256:{image.image_id}"] = image.config, CONFIG_TYPE, image.image_id
            for layer in image.layers:
                self._content[repository, "blobs", f"sha256:{layer.digest}"] = layer.path, "application/octet-stream", layer.digest

    def find(self, *key):
        with self._lock:
            return self._content.get(key)

    def withdraw(self, name):
        """The tag is gone, as after a deletion; digests stay."""
        repository, tag = name.rsplit(":", 1)
        with self._lock:
            del self._content[repository, "manifests", tag]

    # ---- who may ----

    def require_basic(self, name, password):
        self._user, self._scheme = (name, password), "Basic"

    def require_token(self, name, password):
        """As public registries do: a challenge, a token for name and password, and then the token."""
        self._user, self._scheme = (name, password), "Bearer"

    def is_user(self, authorization):
        return authorization == "Basic " + base64.b64encode(":".join(self._user).encode()).decode()

    def challenge_for(self, authorization):
        """None when the request may go on."""
        if not self._scheme:
            return None
        if self._scheme == "Basic":
            return None if self.is_user(authorization) else 'Basic realm="tests"'
        return None if authorization == f"Bearer {self.token}" else f'Bearer realm="http://{self.address}/token",service="tests"'

    # ---- trouble ----

    def fail(self, kind, status, times=1):
        with self._lock:
            self._troubles.append(_Trouble(kind, times, status=status))

    def truncate(self, kind, times=1):
        with self._lock:
            self._troubles.append(_Trouble(kind, times, truncate=True))

    def heal(self):
        """No more trouble."""
        with self._lock:
            self._troubles.clear()

    def hold(self, kind):
        with self._lock:
            self._held.add(kind)

    def release(self):
        with self._lock:
            self._held.clear()
            self._lock.notify_all()

    def trouble_for(self, kind):
        with self._lock:
            self._lock.wait_for(lambda: kind not in self._held)
            for trouble in self._troubles:
                if trouble.kind == kind and trouble.times > 0:
                    trouble.times -= 1
                    return trouble
        return None

    # ---- what was asked ----

    def note(self, method, path):
        with self._lock:
            self.requests.append((method, path))
            self._lock.notify_all()

    def wait_for(self, kind, seconds=60):
        """Returns when something of the kind has been asked for."""
        with self._lock:
            assert self._lock.wait_for(lambda: any(f"/{kind}/" in path for _, path in self.requests), seconds)

    def count(self, kind):
        with self._lock:
            return sum(f"/{kind}/" in path and method == "GET" for method, path in self.requests)
