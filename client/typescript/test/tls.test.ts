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

  /** Returns the number of catalogues, or the hint of the error. */
  async function result(tls: TlsOptions | undefined, address = server.address): Promise<string> {
    const client = new Client({ server: address, tls });
    try {
      const { catalogs } = await client.listCatalogs();
      return `${String(catalogs.length)} catalogues`;
    } catch (error) {
      assert.ok(error instanceof QConfigError);
      assert.equal(error.code, status.UNAVAILABLE);
      return /\(hint: (.*)\)$/.exec(error.message)?.[1] ?? error.message;
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

  test("errors of connections say what is probably wrong", async () => {
    issue("stranger");
    const untrusted = /^the client does not trust the authority .*; set tls\.ca to the certificate/;
    assert.match(await result({ ca: crt("client"), cert: crt("client"), key: key("client") }), untrusted);
    assert.match(await result({}), untrusted);
    assert.match(
      await result({ ca: crt("authority") }),
      /^the server closed the connection.* it requires a client certificate, set tls\.cert and tls\.key$/,
    );
    const stranger = await result({ ca: crt("authority"), cert: crt("stranger"), key: key("stranger") });
    assert.match(
      stranger,
      /^the server closed the connection.* it may not trust the authority that issued the certificate/,
    );
    assert.equal(
      await result(undefined),
      "the server closed the connection; if it uses TLS, set the option tls; if this is the admin port of qconfigd, use the " +
        "port of --listen, by default 50051",
    );
    const files = { ca: crt("authority"), cert: crt("client"), key: key("client") };
    const port = server.address.replace("127.0.0.1:", "");
    assert.match(await result(files, `localhost:${port}`), /^the server's certificate is for another host name/);
    assert.match(await result(undefined, `https://${server.address}`), /not a URL; leave out https:\/\//);
    assert.match(await result(undefined, "127.0.0.1"), /^the server has no port/);
    assert.match(await result(undefined, "no-such-host.invalid:50051"), /^the name of the host cannot be resolved/);
  });

  test("errors of connections without a TLS server say what is probably wrong", async () => {
    const plain = await Server.start();
    const unused = plain.address;
    try {
      assert.match(await result({ ca: crt("authority") }, plain.address), /^the server does not use TLS on this port/);
    } finally {
      await plain.end();
    }
    assert.match(await result(undefined, unused), /^no server listens on this address/);
  });

  test("invalid options have clear errors", () => {
    assert.throws(() => new Client({ tls: { cert: crt("client") } }), /set both or neither/);
    assert.throws(() => new Client({ tls: { ca: join(folder, "none.crt") } }), /tls\.ca: ENOENT.*none\.crt/);
    assert.throws(() => new Client({ tls: { ca: Buffer.from("x") } }), /tls\.ca: not PEM/);
    const mixed = { cert: crt("client"), key: key("server") };
    assert.throws(() => new Client({ tls: mixed }), /tls: invalid ca, cert or key: .*mismatch/);
  });
});
