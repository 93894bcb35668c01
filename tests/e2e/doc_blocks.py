# SPDX-License-Identifier: Apache-2.0
"""Lists the commands in README.md and deploy/README.md, and the test that runs each."""

import re

from programs import ROOT

DOCUMENTS = ("README.md", "deploy/README.md")
COMMANDS = "sh|console"

# Test -> the beginnings of the blocks that it runs, which run_by(TEST) returns.
RUN_BY = {
    "clone": ("./deploy/quickstart ",),
    "compose": ("docker compose ",),
    "container": ("docker build ", "docker run "),
    "manifests": ("mkdir my-qconfig ",),
    "readme": ("build/release/bin/", "$ build/release/bin/", "$ echo ", "$ grpcurl ", "$ curl ", "cat > my_scheme.yaml ", "jq "),
}
# The beginnings of blocks that no test runs -> the reason.
NOT_RUN = {
    "kubectl ": "needs a cluster; manifests_test checks the manifests",
    "groupadd ": "needs systemd",
    "docker exec qconfig qconfigd backup ": "storage_test backs up with the same command; Docker only copies the file",
    "docker stop qconfig\n": "storage_test and epoch_test do the same with the files; Docker only copies them",
    "qconfigd --listen ": "needs certificates for a host name; tls_test uses the same options",
    "cmake --preset release ": "takes minutes; package_test builds and installs the package of this build",
}


def blocks(document, languages):
    """Returns the document's fenced blocks in the given languages, such as "sh|console"."""
    return re.findall(rf"^```(?:{languages})\n(.*?)^```$", (ROOT / document).read_text(), re.M | re.S)


def run_by(test):
    return [block for document in DOCUMENTS for block in blocks(document, COMMANDS) if block.startswith(RUN_BY[test])]
