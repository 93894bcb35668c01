# SPDX-License-Identifier: Apache-2.0
"""16 batches at once, each a request of 0.5 MB that works out to 1,000 configurations in both JSON forms."""

import kit

# Memory is spent by what is worked on, so it must be bounded for all calls together: the common goals hold.
GOALS = kit.GOALS
BATCHES, ITEMS, OVERRIDES = 16, 1000, 25


def batches(target, seconds):
    P = kit.pb()
    batch = P.BatchGetConfigRequest()
    for i in range(ITEMS):
        item = kit.config_request(
            batch.requests.add(),
            tenant="greedy",
            model_type="deepseek_v3",
            scheme="nvfp4",
            include_quark_json=True,
            include_canonical_json=True,
        )
        for k in range(OVERRIDES):
            item.spec.layer_config.add(pattern=f"*q{i}_{k}", scheme="nvfp4")
    return {"request_bytes": batch.ByteSize(), "ends": kit.callers(target.port, "BatchGetConfig", [batch], BATCHES, seconds)}


if __name__ == "__main__":
    kit.main(batches, goals=GOALS)
