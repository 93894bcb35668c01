# SPDX-License-Identifier: Apache-2.0
"""Creates certificates with the openssl command."""

import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def issue(name, issuer=None, *, folder, authorities=None, san="IP:127.0.0.1"):
    """Creates NAME.crt and NAME.key in `folder`, signed by ISSUER in `authorities` (default: `folder`), or self-signed."""
    signing = (authorities or folder) / str(issuer)
    signer = ["-CA", f"{signing}.crt", "-CAkey", f"{signing}.key"] if issuer else []
    extension = ["-addext", f"subjectAltName={san}"] if issuer else []
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", *signer, *extension)
