# SPDX-License-Identifier: Apache-2.0
"""A policy for the servers of all cases, and the credentials that their clients show."""

import hashlib

from programs import clean_environment

GRANTS = {  # principal -> the rest of its entry; each has a token in NAME.token
    "operator": "role: operator",
    "editor": "default_tenant: acme, grants: [{role: editor, tenants: [acme]}]",
    "reader": 'default_tenant: acme, grants: [{role: reader, tenants: [acme, "lab-*"]}]',
}
# The rest of the entry of the principal `machine`, which has the certificate client.crt.
MACHINE = "default_tenant: acme, grants: [{role: editor, tenants: [acme]}]"


class WithoutPolicy:
    """Servers without a policy: everybody may do everything."""

    def __init__(self, certificates):
        self.certificates = certificates

    def server_options(self, case):
        """Returns options of the server in addition to those of the case."""
        return []

    def connection(self, case):
        """Returns the keys of `connect` that connect a client to the case's server."""
        return {}


class WithPolicy(WithoutPolicy):
    """Servers with a policy that require client certificates, and clients with the token of an operator.

    A case about the connection itself has the connection that it describes, also if it is not encrypted.
    """

    def __init__(self, certificates):
        super().__init__(certificates)
        self._folder = certificates.path
        entries = [f"  machine: {{certificates: [{{dns: localhost}}], {MACHINE}}}\n"]
        entries += [f"  {name}: {{tokens: [{{sha256: {self._create_token(name)}}}], {rest}}}\n" for name, rest in GRANTS.items()]
        (self._folder / "policy.yaml").write_text("version: 1\nprincipals:\n" + "".join(entries))
        self._create_token("unknown")
        (self._folder / "largest.token").write_text("s" * 7168)

    def _create_token(self, name):
        """Writes NAME.token and returns the hash of the token."""
        token = f"qct_{name}-of-the-cases"
        (self._folder / f"{name}.token").write_text(token + "\n")
        return hashlib.sha256(token.encode()).hexdigest()

    def server_options(self, case):
        tls = [] if _is_about_connections(case) else self.certificates.options("mutual")
        return ["--auth-policy", self._folder / "policy.yaml", *tls]

    def connection(self, case):
        token = str(self._folder / "operator.token")
        if _is_about_connections(case):
            return {"token_file": token, "allow_unencrypted_token": True}
        files = {"ca": "ca.crt", "cert": "client.crt", "key": "client.key"}
        return {"token_file": token, "tls": {name: str(self._folder / file) for name, file in files.items()}}


def _is_about_connections(case):
    return "tls" in case.get("server", {}) or any(
        step.get("do") == "start proxy" or "fails" in step or step.get("connect", {}).get("tls") for step in case["steps"]
    )


def selects(case, identity):
    """Returns whether the case runs with a policy, or without. `identity` limits a case to one of them."""
    return case.get("identity", identity) == identity


def environment(connection):
    """Returns the environment in which qconfigctl connects in the same way."""
    tls = connection.get("tls", {})
    variables = {
        "QCONFIG_TLS_CA": tls.get("ca"), "QCONFIG_CLIENT_CERT": tls.get("cert"), "QCONFIG_CLIENT_KEY": tls.get("key"),
        "QCONFIG_TOKEN_FILE": connection.get("token_file"),
        "QCONFIG_ALLOW_UNENCRYPTED_TOKEN": "true" if connection.get("allow_unencrypted_token") else None,
    }
    return clean_environment(**{name: value for name, value in variables.items() if value})
