// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { Client, type ClientOptions, QConfigError, Role, status } from "qconfig-client";
import { readToken, TokenFile } from "../src/token.js";
import { Server } from "./server.js";

const FARM = "qct_farm-token";
const NEXT = "qct_next-token";

const folder = mkdtempSync(join(tmpdir(), "qconfig-token-"));
const path = (name: string) => join(folder, name);
after(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string | Uint8Array): string {
  writeFileSync(path(name), text);
  return path(name);
}

/** Writes a policy with readers of the tenants farm and next. */
function writePolicy(): string {
  const principals = Object.entries({ farm: FARM, next: NEXT }).map(([name, token]) => {
    const hash = createHash("sha256").update(token).digest("hex");
    const grants = `[{role: reader, tenants: [${name}]}]`;
    return `  ${name}: {tokens: [{sha256: "${hash}"}], default_tenant: ${name}, grants: ${grants}}\n`;
  });
  return write("policy.yaml", `version: 1\nprincipals:\n${principals.join("")}`);
}

function writeCertificate() {
  const files = ["-keyout", path("server.key"), "-out", path("server.crt")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=server"];
  execFileSync("openssl", ["req", "-x509", ...kind, "-addext", "subjectAltName=IP:127.0.0.1", ...files], {
    stdio: "pipe",
  });
}

/** Returns the error of a call, which has no token in its text, nor have its causes. */
async function failure(call: Promise<unknown>): Promise<QConfigError> {
  const error = await call.then(() => undefined).catch((error: unknown) => error);
  assert.ok(error instanceof QConfigError);
  const text = inspect(error, { depth: null });
  for (const token of [FARM, NEXT]) assert.ok(!text.includes(token), text);
  return error;
}

describe("tokens", () => {
  let encrypted: Server;
  let plain: Server;
  const clients: Client[] = [];

  function connect(options: ClientOptions): Client {
    const client = new Client(options);
    clients.push(client);
    return client;
  }
  const connectEncrypted = (options: ClientOptions = {}) =>
    connect({ server: encrypted.address, tls: { ca: path("server.crt") }, ...options });

  before(async () => {
    writeCertificate();
    const policy = ["--auth-policy", writePolicy()];
    encrypted = await Server.start(...policy, "--tls-cert", path("server.crt"), "--tls-key", path("server.key"));
    plain = await Server.start(...policy);
  });
  after(async () => {
    for (const client of clients) client.close();
    await encrypted.end();
    await plain.end();
  });

  test("the token authenticates calls over TLS", async () => {
    const missing = await failure(connectEncrypted().listSchemes());
    assert.deepEqual([missing.code, missing.reason], [status.UNAUTHENTICATED, "CREDENTIALS_MISSING"]);

    const client = connectEncrypted({ tokenFile: write("farm", `${FARM}\n`) });
    await client.listSchemes();
    const me = await client.whoAmI();
    assert.deepEqual([me.hasPolicy, me.principal, me.defaultTenant], [true, "farm", "farm"]);
    assert.deepEqual([me.grants[0]?.role, me.grants[0]?.tenants], [Role.READER, ["farm"]]);

    const denied = await failure(client.unregisterScheme({ name: "mine" }));
    assert.deepEqual([denied.code, denied.reason], [status.PERMISSION_DENIED, "PERMISSION_DENIED"]);
    assert.deepEqual([denied.requiredRole, denied.tenant], ["editor", "farm"]);

    const unknown = await failure(connectEncrypted({ tokenFile: write("unknown", "qct_unknown") }).listSchemes());
    assert.deepEqual([unknown.reason, unknown.rule], ["CREDENTIALS_INVALID", "unknown"]);
  });

  test("a new token in the file is used without a new client", { timeout: 30_000 }, async () => {
    const client = connectEncrypted({ tokenFile: write("replaced", FARM) });
    assert.equal((await client.whoAmI()).principal, "farm");
    renameSync(write("replacement", NEXT), path("replaced")); // never leaves an empty file
    while ((await client.whoAmI()).principal !== "next");
  });

  test("the token is not sent unencrypted", async () => {
    const tokenFile = write("plain", FARM);
    // Nothing listens there, so a call that tried to connect would fail with UNAVAILABLE.
    for (const server of ["127.0.0.1:1", "localhost:1", "unix:/nowhere/qconfigd.sock", "qconfig.example.com:50051"]) {
      const error = await failure(connect({ server, tokenFile }).listSchemes());
      assert.equal(error.code, status.FAILED_PRECONDITION, server);
      assert.equal(
        error.message,
        `the token in ${tokenFile} is not sent over an unencrypted connection; set the option tls, or, if nobody else can ` +
          "read the connection, allowUnencryptedToken or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true",
      );
    }
  });

  test("a token instead of a file is not in the error", async () => {
    for (const tls of [undefined, {}]) {
      const error = await failure(connect({ server: "127.0.0.1:1", tls, tokenFile: FARM }).listSchemes());
      assert.equal(error.code, status.FAILED_PRECONDITION);
      assert.match(error.message, /is a token/);
    }
  });

  test("the token is sent unencrypted if that is allowed", async () => {
    const tokenFile = write("allowed", FARM);
    const client = connect({ server: plain.address, tokenFile, allowUnencryptedToken: true });
    assert.equal((await client.whoAmI()).principal, "farm");
  });

  test("an invalid file fails the call before it is sent", async () => {
    const client = connect({ server: "127.0.0.1:1", tls: {}, tokenFile: path("later") });
    const error = await failure(client.listSchemes());
    assert.equal(error.code, status.FAILED_PRECONDITION);
    assert.equal(error.message, `token file ${path("later")}: cannot be opened: no such file or directory`);
    write("later", FARM);
    assert.equal((await failure(client.listSchemes())).code, status.UNAVAILABLE); // reads the file again
  });

  test("the environment has the defaults of the options", async () => {
    process.env.QCONFIG_TOKEN_FILE = write("environment", FARM);
    try {
      assert.equal((await connectEncrypted().whoAmI()).principal, "farm");
      assert.equal((await connectEncrypted({ tokenFile: write("next", NEXT) }).whoAmI()).principal, "next");
      assert.equal((await failure(connectEncrypted({ tokenFile: "" }).whoAmI())).reason, "CREDENTIALS_MISSING");
      for (const [value, code] of [
        ["false", status.FAILED_PRECONDITION],
        ["", status.FAILED_PRECONDITION],
        ["yes please", status.FAILED_PRECONDITION],
        ["true", status.UNAVAILABLE],
      ] as const) {
        process.env.QCONFIG_ALLOW_UNENCRYPTED_TOKEN = value;
        assert.equal((await failure(connect({ server: "127.0.0.1:1" }).whoAmI())).code, code, value);
      }
      const client = connect({ server: "127.0.0.1:1", allowUnencryptedToken: false });
      assert.equal((await failure(client.whoAmI())).code, status.FAILED_PRECONDITION);
    } finally {
      delete process.env.QCONFIG_TOKEN_FILE;
      delete process.env.QCONFIG_ALLOW_UNENCRYPTED_TOKEN;
    }
  });
});

describe("a token file", () => {
  test("has one line of printable ASCII", () => {
    for (const [text, problem] of [
      ["", "is empty"],
      [" \n\n", "is empty"],
      ["secret\nsecret2\n", "has several lines"],
      ["secret\rsecret2", "has several lines"],
      ["Bearer secret", 'without "Bearer"'],
      [" secret", "has a space"],
      ["\uFEFFsecret", "not printable ASCII"],
      ["secret\x7F", "not printable ASCII"],
      ["secret\0", "not printable ASCII"],
      ["s".repeat(7169), "has more than 7168 bytes"],
    ] as const) {
      const file = write("token", text);
      assert.throws(
        () => readToken(file),
        ({ message }: Error) =>
          message.startsWith(`token file ${file}: `) && message.includes(problem) && !message.includes("secret"),
        problem,
      );
    }
    assert.throws(() => readToken(folder), { message: `token file ${folder}: is not a regular file` });
    for (const token of ["qct_secret", "Bearer qct_secret", " qct_secret", "'qct_secret'", "eyJh.e30.secret"]) {
      assert.throws(
        () => readToken(token),
        (error: Error) =>
          error.message === "the token file is a token; write the token to a file, and name that file" &&
          !inspect(error, { depth: null }).includes("secret"),
      );
    }
    for (const file of ["eyJ.txt", "/nowhere/qct_ci"]) {
      assert.throws(
        () => readToken(file),
        ({ message }: Error) => message.startsWith(`token file ${file}: cannot be opened`),
      );
    }
    assert.equal(readToken(write("token", "a.b-c_d~e+f/g== \t\r\n\n")), "a.b-c_d~e+f/g==");
    assert.equal(readToken(write("token", "s".repeat(7168))).length, 7168);
  });

  test("is read at most once a second", () => {
    const file = new TokenFile(path("aging"));
    assert.throws(() => file.read(1000));
    write("aging", "one");
    assert.equal(file.read(1000), "one"); // an error is not kept
    write("aging", "two");
    assert.equal(file.read(1999), "one");
    assert.equal(file.read(2000), "two");
    rmSync(path("aging"));
    assert.throws(() => file.read(3000));
  });
});
