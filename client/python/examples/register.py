# SPDX-License-Identifier: Apache-2.0
import sys

import qconfig_client
from qconfig.v1.registry_pb2 import Scheme
from qconfig_client.errors import SchemeExists

server = sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"
with qconfig_client.connect(server) as client:
    scheme = Scheme(name="my_int4")
    scheme.spec.weight.preset.spec = "Int4PerGroupSpec"
    scheme.spec.weight.preset.fields.update({"ch_axis": -1, "group_size": 64})
    stored = client.register_scheme(scheme, replace=True)  # add it, or replace the tenant's scheme of this name

    scheme.spec.weight.preset.fields["group_size"] = 128
    changed = client.register_scheme(scheme, etag=stored.scheme.etag)  # replace only the version stored above
    print("replaced:", changed.replaced)
    for warning in changed.warnings:
        print(f'warning: "{warning.value}" {warning.message}')

    try:
        client.register_scheme(scheme)
    except SchemeExists as error:
        print(f"{error.reason}: {error.value}")
