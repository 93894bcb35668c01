# SPDX-License-Identifier: Apache-2.0
"""The real server of a case, which steps start, stop, block and cut off from its storage."""

import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time

import grpc

from conformance.access import environment
from conformance.proxy import Proxy
from programs import BIN, Server, clean_environment

WAIT_SECONDS = 30


def _wait_until(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {WAIT_SECONDS} s waiting for: {what}")
        time.sleep(0.005)


class Certificates:
    """PEM files. ca.crt issues server.crt, for 127.0.0.1 and localhost, and other-name.crt, for another host. callers.crt issues
    client.crt, and unlisted.crt with another name; other-ca.crt issues stranger.crt. expired.crt, of ca.crt, has expired. A server
    that shows expired.crt listens on `expired_server`."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="qconfig-tls-")
        self.path = pathlib.Path(self._folder.name)
        for authority in ("ca", "callers", "other-ca"):
            self._issue(authority)
        self._issue("server", "ca")
        self._issue("other-name", "ca", "DNS:other.example")
        self._issue("client", "callers")
        self._issue("unlisted", "callers", "DNS:unlisted.example")
        self._issue("stranger", "other-ca")
        self._issue_expired("expired", "ca")
        self._listener = self._start_expired_server()
        self.expired_server = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _issue(self, name, issuer=None, names="IP:127.0.0.1,DNS:localhost"):
        signer = ["-CA", self.path / f"{issuer}.crt", "-CAkey", self.path / f"{issuer}.key"] if issuer else []
        extensions = ["-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={name}", "-keyout", self.path / f"{name}.key", "-out", self.path / f"{name}.crt", *signer,
             *(extensions if issuer else [])],
            check=True, capture_output=True,
        )

    def _issue_expired(self, name, issuer):
        key, request, certificate = (self.path / f"{name}.{suffix}" for suffix in ("key", "csr", "crt"))
        extensions = self.path / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:FALSE\n")
        for command in (
            ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-keyout", key, "-out", request],
            ["x509", "-req", "-in", request, "-CA", self.path / f"{issuer}.crt", "-CAkey", self.path / f"{issuer}.key",
             "-days", "-1", "-extfile", extensions, "-out", certificate],
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True)

    def _start_expired_server(self):
        """Starts a server that only makes TLS handshakes: qconfigd does not start with an expired certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path / "expired.crt", self.path / "expired.key")
        context.set_alpn_protocols(["h2"])
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return  # closed
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return listener

    def options(self, kind):
        """Returns the server's options for TLS of the kind "server", "mutual" or "other name"."""
        name = "other-name" if kind == "other name" else "server"
        options = ["--tls-cert", self.path / f"{name}.crt", "--tls-key", self.path / f"{name}.key"]
        return options + (["--tls-client-ca", self.path / "callers.crt"] if kind == "mutual" else [])

    def close(self):
        self._listener.close()
        self._folder.cleanup()


class CaseServer:
    """A qconfigd with SQLite and a real port. It keeps port and data across restarts.

    connection: the keys of `connect` with which other clients connect.
    """

    def __init__(self, options, connection):
        self._options = options
        self._connection = connection
        self._data = tempfile.TemporaryDirectory(prefix="qconfig-conformance-")
        self._registry = pathlib.Path(self._data.name) / "registry.db"
        self._backup = self._registry.with_name("backup.db")
        self._held = []  # client processes whose calls wait in the server
        self._lock = None
        self.proxy = None
        self._listen = "127.0.0.1:0"
        self._server = None
        self.start()

    @property
    def address(self):
        return self._server.address

    @property
    def admin(self):
        return self._server.admin

    def start(self, options=None):
        if options is not None:
            self._options = options
        self._server = Server("--listen", self._listen, *self._options, QCONFIG_DATA_DIR=self._data.name)
        self._listen = self._server.address
        self._server.wait_for("/readyz", (200, "ok\n"))

    def end(self, sent=signal.SIGTERM):
        self._server.end(sent)
        self._server.__exit__()

    def begin_shutdown(self):
        """Sends SIGTERM and waits until the server rejects calls."""
        self._server.process.send_signal(signal.SIGTERM)
        with self._channel() as channel:
            ask = channel.unary_unary("/qconfig.v1.ConfigService/ListCatalogs")
            token = self._connection.get("token_file")
            metadata = [("authorization", f"Bearer {pathlib.Path(token).read_text().strip()}")] if token else []

            def rejects_calls():
                try:
                    ask(b"", timeout=WAIT_SECONDS, metadata=metadata)
                except grpc.RpcError as error:
                    return error.code() == grpc.StatusCode.UNAVAILABLE
                return False

            _wait_until(rejects_calls, "the start of the shutdown")

    def _channel(self):
        options = [("grpc.enable_retries", 0)]
        tls = self._connection.get("tls")
        if tls is None:
            return grpc.insecure_channel(self.address, options)
        ca, key, cert = (pathlib.Path(tls[name]).read_bytes() for name in ("ca", "key", "cert"))
        return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(ca, key, cert), options)

    def wait_for_metric(self, line):
        """Waits until a whole line matches the pattern `line`."""
        _wait_until(lambda: re.search(f"^{line}$", self._server.probe("/metrics")[1], re.M), line)

    def qconfigctl(self, arguments, text=""):
        result = subprocess.run([BIN / "qconfigctl", "--server", self.address, *arguments], input=text, text=True,
                                capture_output=True, env=environment(self._connection), timeout=60)
        if result.returncode != 0:
            raise AssertionError(f"qconfigctl {' '.join(arguments)}: {result.stderr}")

    def hold_call(self):
        """Keeps a call of another client in flight until `release`: it waits for a revision that is never reached."""
        self._hold("get-config", "llama", "--scheme", "fp8", "--min-revision", "1000000")

    def lock_writes(self):
        """Blocks writes in the server until `release`, for at most five seconds."""
        self._lock = sqlite3.connect(self._registry, isolation_level=None)
        self._lock.execute("BEGIN IMMEDIATE")

    def hold_write(self):
        """Keeps a write of another client in flight until `release`, for at most five seconds."""
        self.lock_writes()
        scheme = pathlib.Path(self._data.name) / "scheme.textproto"
        scheme.write_text('name: "held" config {}')
        self._hold("register", "scheme", "--file", scheme)

    def _hold(self, *arguments):
        command = [BIN / "qconfigctl", "--server", self.address, "--timeout-seconds", "300", "--tenant", "somebody-else", *arguments]
        self._held.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(self._connection)))
        self.wait_for_metric(f"qconfig_in_flight_calls {len(self._held)}")

    def release(self):
        if self._lock is not None:
            self._lock.execute("ROLLBACK")
            self._lock.close()
            self._lock = None
        for process in self._held:
            process.kill()
            process.wait()
        self._held = []

    def storage(self, state):
        """away: moves the registry's file away; back: moves it back. full: forbids files to grow; not full: allows it again."""
        away = self._registry.with_suffix(".away")
        if state == "away":
            self._registry.rename(away)
        elif state == "back":
            away.rename(self._registry)
        else:
            _, most = resource.prlimit(self._server.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self._server.process.pid, resource.RLIMIT_FSIZE, (128 << 10 if state == "full" else most, most))

    def back_up(self):
        """Creates a backup of the registry while the server runs. REQUIRES: no backup exists."""
        command = [BIN / "qconfigd", "backup", "--storage", f"sqlite:{self._registry}", "--to", self._backup]
        result = subprocess.run(command, text=True, capture_output=True, env=clean_environment(), timeout=60)
        if result.returncode != 0:
            raise AssertionError(f"qconfigd backup: {result.stderr}")

    def restore(self):
        """Restores the backup as described in deploy/README.md. REQUIRES: the server is down."""
        for suffix in ("", "-wal", "-shm"):
            file = self._registry.with_name(self._registry.name + suffix)
            if file.exists():
                file.rename(file.with_name(f"old-{file.name}"))
        shutil.copyfile(self._backup, self._registry)

    def rename_scheme(self, old, new):
        """Renames a stored scheme to a name of the same length, as if a server whose catalogues lack this name had stored it.
        REQUIRES: the server is down."""
        assert len(old) == len(new), "the stored bytes must keep their length"
        connection = sqlite3.connect(self._registry)
        (value,) = connection.execute("SELECT value FROM entries WHERE kind = 1 AND name = ?", [old]).fetchone()
        renamed = value.replace(old.encode(), new.encode(), 1)
        connection.execute("UPDATE entries SET name = ?, value = ? WHERE kind = 1 AND name = ?", [new, renamed, old])
        self._remove_checksums(connection)
        connection.commit()
        connection.close()

    def rename_default_catalog(self, old, new):
        """Renames the default catalogue of each tenant that has it, as if a server with other catalogues had stored it.
        REQUIRES: the server is down."""
        connection = sqlite3.connect(self._registry)
        connection.execute("UPDATE entries SET value = ? WHERE kind = 3 AND value = ?", [new.encode(), old.encode()])
        self._remove_checksums(connection)
        connection.commit()
        connection.close()

    @staticmethod
    def _remove_checksums(connection):
        """Makes the file one of version 2, to whose rows the server adds checksums when it starts."""
        columns = {
            "meta": ["tenant_count", "checksum"],
            "tenants": ["next_position", "state", "first_state", "checksum"],
            "entries": ["checksum"],
            "changes": ["state", "checksum"],
        }
        for table, names in columns.items():
            for name in names:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        connection.execute("PRAGMA user_version = 2")

    def start_proxy(self, faults):
        """Starts a proxy instead of the previous one, and returns its address."""
        if self.proxy is not None:
            self.proxy.close()
        self.proxy = Proxy(self.address, faults)
        return self.proxy.address

    def close(self):
        self.release()
        if self.proxy is not None:
            self.proxy.close()
        self._server.__exit__()
        self._data.cleanup()
