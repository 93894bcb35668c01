# SPDX-License-Identifier: Apache-2.0
import sys

import qconfig_client

server, ca, token_file = sys.argv[1:]
with qconfig_client.connect(server, tls=qconfig_client.Tls(ca=ca), token_file=token_file) as client:
    caller = client.who_am_i()
    print(caller.principal, caller.credential, caller.default_tenant)
