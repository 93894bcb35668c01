# SPDX-License-Identifier: Apache-2.0
"""Three connections with 100 calls each, whose requests of 4 MB are complete, so that they wait for the server and not for
the client: configurations, batches, and templates of very short texts, which need many times their bytes when parsed."""

import time

import kit

# What waits must be bounded for all together: the common goals hold.
GOALS = kit.GOALS
CONNECTIONS, CALLS, BYTES = 3, 100, (4 << 20) - 1000
SERVICE = "/qconfig.v1.ConfigService/"


def finished(target, seconds, method, body):
    until, figures = time.monotonic() + seconds, {"calls": 0, "connections": 0}
    while time.monotonic() < until:
        peers, streams = [], range(1, 2 * CALLS, 2)
        try:
            for _ in range(CONNECTIONS):
                peers.append(kit.Peer(target.port, timeout=max(0.1, until - time.monotonic())))
                figures["connections"] += 1
            for stream in streams:
                for peer in peers:
                    peer.open(stream, method)
                    peer.body(stream, body)
                    figures["calls"] += 1
                    if time.monotonic() > until:
                        raise TimeoutError
        except OSError:
            pass  # TimeoutError too
        for peer in peers:
            peer.close()
    return figures


def repeated(message, piece):
    """A message of about BYTES that ends with `piece` again and again."""
    return kit.message(message.SerializeToString() + piece * ((BYTES - message.ByteSize()) // len(piece)))


def configs(target, seconds):
    more = kit.pb().GetConfigRequest()
    more.spec.layer_config.add(pattern="*", scheme="nvfp4")
    request = kit.config_request(tenant="greedy", model_type="llama", scheme="fp8")
    return finished(target, seconds, SERVICE + "GetConfig", repeated(request, more.SerializeToString()))


def batches(target, seconds):
    batch = kit.pb().BatchGetConfigRequest()
    kit.config_request(batch.requests.add(), tenant="greedy", model_type="llama", scheme="fp8")
    return finished(target, seconds, SERVICE + "BatchGetConfig", repeated(batch, batch.SerializeToString()))


def templates(target, seconds):
    request = kit.template("greedy", "m", 0)
    more = kit.pb().RegisterTemplateRequest()
    more.llm_template.exclude_layers_name.extend(["x"] * 100)
    return finished(
        target, seconds, "/qconfig.v1.RegistryService/RegisterTemplate", repeated(request, more.SerializeToString())
    )


if __name__ == "__main__":
    kit.main(configs, batches, templates, goals=GOALS, seconds=15)
