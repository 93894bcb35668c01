// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { type ChannelOptions, ChannelCredentials } from "@grpc/grpc-js";

export interface ClientOptions {
  /**
   * host:port, where the host may stand for several addresses, or any other gRPC target, such as
   * `ipv4:10.0.0.1:50051,10.0.0.2:50051`. Default: `localhost:50051`.
   */
  server?: string;
  /** Goes into requests that name none. */
  tenant?: string;
  /** Goes into requests that name none, except those of `setDefaultCatalog`. */
  catalog?: string;
  /** Of one call, with all its tries. Default: 10,000. */
  timeoutMs?: number;
  /** Absent: no TLS. `{}`: TLS with the authorities that Node trusts. */
  tls?: TlsOptions;
  /** JSON. Default: `SERVICE_CONFIG`. Empty: one server, calls are tried once. */
  serviceConfig?: string;
}

/** PEM: the path of a file, or the text itself. */
export type Pem = string | Uint8Array;

export interface TlsOptions {
  /** Authorities that the server's certificate must come from. Default: those that Node trusts. */
  ca?: Pem;
  /** The client's certificate and those between it and an authority that the server knows. */
  cert?: Pem;
  /** The key of the client's certificate. */
  key?: Pem;
}

const BASE_OPTIONS: ChannelOptions = {
  "grpc.max_receive_message_length": 64 << 20, // what a server's answer may come to
  // What is larger is not tried again. The library's limit of 1 MiB is less than a template may have.
  "grpc.per_rpc_retry_buffer_size": 8 << 20,
  // Pings find connections that are gone without a word.
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 0,
  // The library's second would be longer than all tries of a call take.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // A service config comes from the caller, never from DNS.
  "grpc.service_config_disable_resolution": 1,
};

export function channelOptions(serviceConfig: string): ChannelOptions {
  return serviceConfig === "" ? BASE_OPTIONS : { ...BASE_OPTIONS, "grpc.service_config": serviceConfig };
}

export function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new Error("tls: a client's certificate and its key belong together: give both, or neither");
  }
  const ca = readPem("ca", tls.ca);
  const key = readPem("key", tls.key);
  const cert = readPem("cert", tls.cert);
  try {
    return ChannelCredentials.createSsl(ca, key, cert);
  } catch (error) {
    throw new Error(`tls: ca, cert or key cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

function readPem(name: keyof TlsOptions, pem: Pem | undefined): Buffer | null {
  if (pem === undefined) return null;
  const bytes = typeof pem === "string" && !pem.includes("-----BEGIN ") ? readFile(name, pem) : Buffer.from(pem);
  if (!bytes.includes("-----BEGIN "))
    throw new Error(`tls.${name}: this is not PEM, which has a line "-----BEGIN ..."`);
  return bytes;
}

function readFile(name: keyof TlsOptions, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`tls.${name}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
