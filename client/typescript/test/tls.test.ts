// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Client, QConfigError, status, type TlsOptions } from "qconfig-client";
import { Server } from "./server.js";

const folder = mkdtempSync(join(tmpdir(), "qconfig-tls-"));
const crt = (name: string) => join(folder, `${name}.crt`);
const key = (name: string) => join(folder, `${name}.key`);

/** Creates NAME.crt and NAME.key, signed by the authority or self-signed. */
function issue(name: string, authority?: string) {
  const signer =
    authority === undefined
      ? []
      : ["-CA", crt(authority), "-CAkey", key(authority), "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", `/CN=${name}`];
  execFileSync("openssl", ["req", "-x509", ...kind, "-keyout", key(name), "-out", crt(name), ...signer], {
    stdio: "pipe",
  });
}

describe("TLS", () => {
  let server: Server;

  before(async () => {
    issue("authority");
    issue("server", "authority");
    issue("client", "authority");
    const own = ["--tls-cert", crt("server"), "--tls-key", key("server")];
    server = await Server.start(...own, "--tls-client-ca", crt("authority"));
  });
  after(async () => {
    await server.end();
    rmSync(folder, { recursive: true });
  });

  async function result(tls: TlsOptions | undefined): Promise<string> {
    const client = new Client({ server: server.address, tls });
    try {
      const { catalogs } = await client.listCatalogs();
      return `${String(catalogs.length)} catalogues`;
    } catch (error) {
      assert.ok(error instanceof QConfigError);
      return status[error.code];
    } finally {
      client.close();
    }
  }

  test("certificates as files, bytes and text", async () => {
    const files = { ca: crt("authority"), cert: crt("client"), key: key("client") };
    assert.equal(await result(files), "2 catalogues");
    const bytes = { ca: readFileSync(files.ca), cert: readFileSync(files.cert), key: readFileSync(files.key) };
    assert.equal(await result(bytes), "2 catalogues");
    const text = { ca: String(bytes.ca), cert: String(bytes.cert), key: String(bytes.key) };
    assert.equal(await result(text), "2 catalogues");
  });

  test("an untrusted server or client is UNAVAILABLE", async () => {
    const results = [
      result({ ca: crt("client"), cert: crt("client"), key: key("client") }),
      result({ ca: crt("authority") }),
      result({}),
      result(undefined),
    ];
    assert.deepEqual(new Set(await Promise.all(results)), new Set(["UNAVAILABLE"]));
  });

  test("invalid options have clear errors", () => {
    assert.throws(() => new Client({ tls: { cert: crt("client") } }), /set both or neither/);
    assert.throws(() => new Client({ tls: { ca: join(folder, "none.crt") } }), /tls\.ca: ENOENT.*none\.crt/);
    assert.throws(() => new Client({ tls: { ca: Buffer.from("x") } }), /tls\.ca: not PEM/);
    const mixed = { cert: crt("client"), key: key("server") };
    assert.throws(() => new Client({ tls: mixed }), /tls: invalid ca, cert or key: .*mismatch/);
  });
});
