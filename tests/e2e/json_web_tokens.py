# SPDX-License-Identifier: Apache-2.0
"""Creates key sets and signed JSON Web Tokens with the openssl command."""

import base64
import json
import subprocess
import time


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options).stdout


class Issuer:
    """An issuer of tokens with the algorithm RS256. Its private key is in `folder`."""

    def __init__(self, folder, name, key_id="k1"):
        self.name = name
        self.key_id = key_id
        self.key = folder / f"{key_id}.pem"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.key)

    def jwk(self):
        """The public key, as an entry of a key set."""
        modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id, "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}

    def token(self, subject, audience="qconfig", seconds=3600, **claims):
        header = {"alg": "RS256", "kid": self.key_id, "typ": "JWT"}
        claims = {"iss": self.name, "sub": subject, "aud": [audience], "exp": int(time.time()) + seconds, **claims}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{base64url(openssl('dgst', '-sha256', '-sign', self.key, input=text.encode()))}"


def key_set(*issuers):
    """The text of a file with the public keys of the issuers."""
    return json.dumps({"keys": [issuer.jwk() for issuer in issuers]})
