# SPDX-License-Identifier: Apache-2.0
import sys

import qconfig_client
from qconfig_client.errors import SchemeNotFound

server = sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"
with qconfig_client.connect(server) as client:
    config = client.get_config("llama", scheme="fp8", kv_cache_scheme="fp8", layer_config={"*mlp*": "mxfp4"})
    print("digest: ", config.digest[:12])
    print("catalog:", config.catalog)
    print("layers: ", ", ".join(config.to_dict()["layer_quant_config"]))

    try:
        client.get_config("llama", scheme="int4_wo_12")
    except SchemeNotFound as error:
        print(f"{error.reason}: did you mean {' or '.join(error.suggestions)}?")
