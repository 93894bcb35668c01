# SPDX-License-Identifier: Apache-2.0
"""Lists the commands in the documents, and the test that runs each."""

import re

from programs import ROOT

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "client/README.md", "deploy/README.md")
COMMANDS = "sh|console"

# Test -> the beginnings of the blocks that it runs, which run_by(TEST) returns.
RUN_BY = {
    "access": (
        "(umask 077; build/release/bin/",
        "(umask 077; qconfigctl ",
        "qconfigd --auth-policy ",
        "qconfigctl new-token --hash ",
        "openssl req ",
    ),
    "clone": (
        "./deploy/quickstart ",
        "python3 -m venv ",
        "deploy/install-packages ",
        "cmake --build --preset release --target core_test",
    ),
    "compose": ("docker compose ", "export QCONFIG_POLICY_DIR="),
    "container": ("docker build ", "docker run "),
    "manifests": ("mkdir my-qconfig ",),
    "readme": ("build/release/bin/", "$ build/release/bin/", "$ printf ", "$ grpcurl ", "$ curl ", "cat > my_scheme.yaml ", "jq "),
}
# The beginnings of blocks that no test runs -> the reason.
NOT_RUN = {
    "kubectl ": "needs a cluster; manifests_test checks the manifests",
    "groupadd ": "needs systemd",
    "docker exec qconfig qconfigd backup ": "storage_test makes a backup with the same command; Docker only copies the file",
    "docker stop qconfig\n": "storage_test and epoch_test do the same to the files; Docker only gives access to them",
    "qconfigd --listen ": "needs certificates for a name; tls_test serves and calls with the same options",
    "cmake --preset release ": "takes minutes; package_test makes the package from the existing build and installs it",
    "qconfigctl plan DeepSeek-V3 ": "needs a model; plan_test runs the same command on a model of this size that it makes",
    "tests/run ": "--all takes half an hour, and CI runs it, and --only fuzz; clone_test runs `tests/run --only core`",
}


def blocks(document, languages):
    """Returns the document's fenced blocks in the given languages, such as "sh|console"."""
    return re.findall(rf"^```(?:{languages})\n(.*?)^```$", (ROOT / document).read_text(), re.M | re.S)


def run_by(test):
    return [block for document in DOCUMENTS for block in blocks(document, COMMANDS) if block.startswith(RUN_BY[test])]
