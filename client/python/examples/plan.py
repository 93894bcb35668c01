# SPDX-License-Identifier: Apache-2.0
import sys

import qconfig_client
from qconfig.v1.plan_pb2 import FindingCode
from qconfig.v1.quantization_pb2 import Dtype

server = sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"
with qconfig_client.connect(server) as client:
    projections = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
    projections += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    layers = [f"model.layers.{layer}.{projection}" for layer in range(32) for projection in projections]

    overrides = {"*.down_proj": "fp8", "*experts*": "mxfp4"}
    plan = client.plan([*layers, "lm_head"], "llama", scheme="int4_wo_128", layer_config=overrides)
    print(plan)
    for name in ("model.layers.0.mlp.up_proj", "model.layers.0.mlp.down_proj", "lm_head"):
        config = plan.config_of(name)
        print(f"{name}: {Dtype.Name(config.weight[0].dtype) if config else None}")
    for finding in plan.findings:
        print(FindingCode.Name(finding.code), finding.field)
