# SPDX-License-Identifier: Apache-2.0
"""A proxy between client and server, like a load balancer without a health service, which fails calls on demand."""

import concurrent.futures

import grpc

from conformance import messages

SIZES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Proxy(grpc.GenericRpcHandler):
    """Forwards calls as bytes and records each attempt. `faults` has one item for each of the first attempts:
    {"code": ..., "pushback": ..., "status": ..., "lost": true}: fails with the code, grpc-retry-pushback-ms, and
    grpc-status-details-bin, which is a google.rpc.Status as ProtoJSON, or text for malformed bytes. With `lost`, the server
    processes the call and only its answer is lost. null: forwards the attempt."""

    def __init__(self, target, faults):
        self.attempts = []  # (method, bytes of the request)
        self._faults = list(faults)
        self._channel = grpc.insecure_channel(target, [*SIZES, ("grpc.enable_retries", 0)])
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(64), [self], options=[*SIZES, ("grpc.so_reuseport", 0)])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, call):
        if not call.method.startswith("/qconfig.v1."):
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self._hand_on(call.method, request, context))

    def _hand_on(self, path, request, context):
        self.attempts.append((path.rpartition("/")[2], request))
        fault = self._faults.pop(0) if self._faults else None
        if fault and not fault.get("lost"):
            self._fail(fault, context)
        try:
            token = [entry for entry in context.invocation_metadata() if entry[0] == "authorization"]
            answer = self._channel.unary_unary(path)(request, timeout=context.time_remaining(), metadata=token)
        except grpc.RpcError as error:
            context.set_trailing_metadata(error.trailing_metadata())
            context.abort(error.code(), error.details())
        if fault:
            self._fail(fault, context)
        return answer

    def _fail(self, fault, context):
        trailer = []
        if "pushback" in fault:
            trailer.append(("grpc-retry-pushback-ms", fault["pushback"]))
        if "status" in fault:
            status = fault["status"]
            content = status.encode() if isinstance(status, str) else messages.status_bytes(status)
            trailer.append(("grpc-status-details-bin", content))
        context.set_trailing_metadata(trailer)
        context.abort(grpc.StatusCode[fault["code"]], "the proxy failed the call")

    def close(self):
        self._server.stop(None).wait()
        self._channel.close()
