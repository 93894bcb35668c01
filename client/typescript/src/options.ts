// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { type ChannelOptions, ChannelCredentials } from "@grpc/grpc-js";

export interface ClientOptions {
  /**
   * host:port, where the host may resolve to several addresses, or any other gRPC target, such as
   * `ipv4:10.0.0.1:50051,10.0.0.2:50051`. Default: `localhost:50051`.
   */
  server?: string;
  /** Tenant of requests that do not set one. Default: the caller's default tenant, which a policy can set. */
  tenant?: string;
  /** Catalogue of requests that do not set one, except those of `setDefaultCatalog`. */
  catalog?: string;
  /** Timeout of a call, including its retries. Default: 10,000. */
  timeoutMs?: number;
  /** Not set: no TLS. `{}`: TLS with the authorities that Node trusts. */
  tls?: TlsOptions;
  /**
   * File with the token that authenticates each call; empty: none. A new token in the file is used within a second.
   * Default: the environment variable `QCONFIG_TOKEN_FILE`.
   */
  tokenFile?: string;
  /**
   * Whether to send the token even without `tls`, so that everyone on the way to the server can read it. Default: whether the
   * environment variable `QCONFIG_ALLOW_UNENCRYPTED_TOKEN` is `true`.
   */
  allowUnencryptedToken?: boolean;
  /** gRPC service config, JSON. Default: `SERVICE_CONFIG`. Empty: one server, no retries. */
  serviceConfig?: string;
}

/** The path of a PEM file, or its content. */
export type Pem = string | Uint8Array;

export interface TlsOptions {
  /** Certificate authorities to trust. Default: those that Node trusts. */
  ca?: Pem;
  /** The client's certificate chain. */
  cert?: Pem;
  /** The private key of `cert`. */
  key?: Pem;
}

const BASE_OPTIONS: ChannelOptions = {
  "grpc.max_receive_message_length": 64 << 20, // the server's limit for a response
  // grpc-js does not retry larger requests. Its default of 1 MiB is too small for large templates.
  "grpc.per_rpc_retry_buffer_size": 8 << 20,
  // Pings detect dead connections.
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 0,
  // grpc-js's default of one second is longer than all attempts of a call together.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // Ignore service configs from DNS.
  "grpc.service_config_disable_resolution": 1,
};

export function channelOptions(serviceConfig: string): ChannelOptions {
  return serviceConfig === "" ? BASE_OPTIONS : { ...BASE_OPTIONS, "grpc.service_config": serviceConfig };
}

export function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new Error("tls: cert requires key, and vice versa: set both or neither");
  }
  const ca = readPem("ca", tls.ca);
  const key = readPem("key", tls.key);
  const cert = readPem("cert", tls.cert);
  try {
    return ChannelCredentials.createSsl(ca, key, cert);
  } catch (error) {
    throw new Error(`tls: invalid ca, cert or key: ${getMessage(error)}`, { cause: error });
  }
}

function readPem(name: keyof TlsOptions, pem: Pem | undefined): Buffer | null {
  if (pem === undefined) return null;
  const bytes = typeof pem === "string" && !pem.includes("-----BEGIN ") ? readFile(name, pem) : Buffer.from(pem);
  if (!bytes.includes("-----BEGIN ")) throw new Error(`tls.${name}: not PEM: no line starts with "-----BEGIN "`);
  return bytes;
}

function readFile(name: keyof TlsOptions, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`tls.${name}: ${getMessage(error)}`, { cause: error });
  }
}

function getMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
