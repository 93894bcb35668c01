// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  Client,
  type ClientOptions,
  EntryView,
  GetConfigRequestSchema,
  QConfigError,
  type Reason,
  status,
  verifyDigest,
} from "qconfig-client";
import { Server } from "./server.js";

const LLAMA = { spec: { modelType: "llama", scheme: "fp8" } };
const SCHEME = {
  name: "mine",
  spec: { weight: { spec: { case: "preset", value: { spec: "Int8PerTensorSpec" } } } },
} as const;

function failure(code: status, reason: Reason, field = "") {
  return (error: unknown) => {
    assert.ok(error instanceof QConfigError);
    assert.deepEqual([status[error.code], error.reason, error.field], [status[code], reason, field]);
    return true;
  };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

describe("client", () => {
  let server: Server;
  const clients: Client[] = [];

  function connect(options: ClientOptions = {}): Client {
    const client = new Client({ server: server.address, ...options });
    clients.push(client);
    return client;
  }

  before(async () => {
    server = await Server.start();
  });
  after(async () => {
    for (const client of clients) client.close();
    await server.end();
  });

  test("getConfig returns the configuration and its digest", async () => {
    const answer = await connect().getConfig({ ...LLAMA, includeCanonicalJson: true });
    assert.equal(answer.catalog, "quark-0.12.post1");
    assert.equal(answer.revision, 1n);
    assert.deepEqual(answer.config?.exclude, ["lm_head.*", "lm_head"]);
    assert.equal(verifyDigest(answer), true);
    assert.equal(verifyDigest({ ...answer, canonicalJson: `${answer.canonicalJson} ` }), false);
    assert.throws(() => verifyDigest({ ...answer, canonicalJson: "" }), /includeCanonicalJson/);
  });

  test("absent and empty exclude_layers differ", async () => {
    const { config } = await connect().getConfig({ spec: { ...LLAMA.spec, excludeLayers: {} } });
    assert.deepEqual(config?.exclude, []);
  });

  test("an error has the server's details", async () => {
    const client = connect();
    await assert.rejects(client.getConfig({ spec: { modelType: "llama", scheme: "int4_wo_12" } }), (error: unknown) => {
      assert.ok(error instanceof QConfigError);
      assert.equal(error.name, "QConfigError");
      assert.equal(error.code, status.NOT_FOUND);
      assert.equal(error.reason, "SCHEME_NOT_FOUND");
      assert.equal(error.field, "spec.scheme");
      assert.equal(error.value, "int4_wo_12");
      assert.deepEqual(error.suggestions, ["int4_wo_128", "int4_wo_32", "int4_wo_64"]);
      assert.equal(error.allowed.length, 10);
      assert.equal(error.allowed[0], "int4_wo_32");
      assert.ok(error.allowedTotal > 10);
      assert.equal(error.catalog, "quark-0.12.post1");
      assert.match(error.message, /no scheme has this name/);
      assert.equal(error.metadata.catalog, "quark-0.12.post1");
      assert.deepEqual(
        error.fieldViolations.map((violation) => violation.field),
        ["spec.scheme"],
      );
      assert.match(error.stack ?? "", /client\.test/);
      return true;
    });
  });

  test("tenant and catalogue are filled into requests without them", async () => {
    const client = connect({ tenant: "acme", catalog: "quark-0.13" });
    await client.registerScheme({ scheme: SCHEME });
    await client.getConfig({ spec: { modelType: "llama", scheme: "mine" } });
    assert.equal((await client.getConfig(LLAMA)).catalog, "quark-0.13");
    assert.equal((await client.getConfig({ ...LLAMA, catalog: "quark-0.12.post1" })).catalog, "quark-0.12.post1");
    await assert.rejects(
      client.getConfig({ spec: { modelType: "llama", scheme: "mine" }, tenant: "other" }),
      failure(status.NOT_FOUND, "SCHEME_NOT_FOUND", "spec.scheme"),
    );
  });

  test("tenant and catalogue are filled into each request of a batch without modifying it", async () => {
    const client = connect({ tenant: "batch", catalog: "quark-0.13" });
    const request = create(GetConfigRequestSchema, LLAMA);
    const unknown = { spec: { modelType: "llama", scheme: "no" } };
    const { results } = await client.batchGetConfig({ requests: [request, unknown] });
    const [first, second] = results.map((item) => item.result);
    assert.ok(first?.case === "response" && second?.case === "error");
    assert.equal(first.value.catalog, "quark-0.13");
    failure(status.NOT_FOUND, "SCHEME_NOT_FOUND", "spec.scheme")(new QConfigError(second.value));
    assert.deepEqual(request, create(GetConfigRequestSchema, LLAMA));
  });

  test("a write gets a random requestId unless it has one", async () => {
    const client = connect({ tenant: "writes" });
    const requestId = "8f8a3a6e-6d5c-4f0e-9d43-0a3b1c7f5e21";
    const scheme = { ...SCHEME, name: "once" };
    const first = await client.registerScheme({ scheme, requestId });
    assert.equal((await client.registerScheme({ scheme, requestId })).revision, first.revision);
    await assert.rejects(
      client.registerScheme({ scheme }),
      failure(status.ALREADY_EXISTS, "SCHEME_EXISTS", "scheme.name"),
    );
    const removed = await client.unregisterScheme({ name: "once" });
    assert.equal(removed.revision, first.revision + 1n);
    const [removal, registration] = await collect(client.allChanges());
    assert.match(removal?.requestId ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(registration?.requestId, requestId);
  });

  test("a scheme is replaced only on request", async () => {
    const client = connect({ tenant: "replacing" });
    const scheme = { ...SCHEME, description: "new" };
    const first = await client.registerScheme({ scheme: SCHEME });
    assert.equal(first.replaced, false);
    await assert.rejects(
      client.registerScheme({ scheme }),
      failure(status.ALREADY_EXISTS, "SCHEME_EXISTS", "scheme.name"),
    );
    const second = await client.registerScheme({ scheme, replace: true });
    assert.deepEqual([second.replaced, second.scheme?.description], [true, "new"]);
    await assert.rejects(
      client.registerScheme({ scheme, etag: first.scheme?.etag }),
      failure(status.ABORTED, "ETAG_MISMATCH", "etag"),
    );
  });

  test("setDefaultCatalog uses only the catalogue of its request", async () => {
    const client = connect({ tenant: "moving", catalog: "quark-0.12.post1" });
    await client.registerScheme({ scheme: SCHEME });
    const set = await client.setDefaultCatalog({ catalog: "quark-0.13", expectedRevision: 2n });
    assert.deepEqual([set.previousCatalog, set.revision], ["quark-0.12.post1", 3n]);
    const { changes } = await client.listChanges({ tenant: "moving" });
    assert.equal(changes[0]?.revision, 3n);
    assert.notEqual(changes[0].requestId, "");
    await assert.rejects(
      client.setDefaultCatalog({ catalog: "quark-0.12.post1", expectedRevision: 2n }),
      (error: unknown) => error instanceof QConfigError && error.newestRevision === 3n,
    );
    await assert.rejects(client.setDefaultCatalog({}), failure(status.INVALID_ARGUMENT, "INVALID_REQUEST", "catalog"));
  });

  test("templates are registered, read and removed", async () => {
    const client = connect({ tenant: "templates" });
    const llmTemplate = { modelType: "mine", kvLayersName: ["*k_proj"], excludeLayersName: ["lm_head"] };
    assert.equal((await client.registerTemplate({ llmTemplate })).replaced, false);
    await assert.rejects(
      client.registerTemplate({ llmTemplate, mustBeNew: true }),
      failure(status.ALREADY_EXISTS, "TEMPLATE_EXISTS", "llm_template.model_type"),
    );
    const read = await client.getTemplate({ modelType: "mine" });
    assert.deepEqual(read.llmTemplate?.kvLayersName, ["*k_proj"]);
    assert.equal((await client.unregisterTemplate({ modelType: "mine" })).llmTemplate?.modelType, "mine");
    assert.equal((await client.getScheme({ name: "fp8" })).scheme?.name, "fp8");
    assert.equal((await client.listCatalogs()).catalogs.length, 2);
  });

  test("iterators read all pages", async () => {
    const client = connect({ tenant: "pages" });
    for (const name of ["a", "b", "c"]) await client.registerScheme({ scheme: { ...SCHEME, name } });
    const page = await client.listSchemes({ pageSize: 10 });
    assert.equal(page.schemes.length, 10);
    const schemes = await collect(client.allSchemes({ pageSize: 10 }));
    assert.equal(schemes.length, page.totalSize);
    assert.deepEqual(
      schemes.slice(-3).map((scheme) => scheme.name),
      ["a", "b", "c"],
    );
    const templates = await collect(client.allTemplates({ pageSize: 7 }));
    assert.equal(templates.length, (await client.listTemplates()).totalSize);
    const changes = await collect(client.allChanges({ pageSize: 2, view: EntryView.FULL }));
    assert.deepEqual(
      changes.map((change) => change.revision),
      [4n, 3n, 2n],
    );
  });

  test("a call ends at its timeout or when its signal aborts", async () => {
    const client = connect();
    const waits = { ...LLAMA, minRevision: 99n };
    // Server and client both enforce the timeout: either may be first, with its own message.
    const late = { name: "QConfigError", message: /min_revision|Deadline exceeded/i };
    const begin = Date.now();
    await assert.rejects(client.getConfig(waits, { timeoutMs: 50 }), late);
    await assert.rejects(connect({ timeoutMs: 50 }).getConfig(waits), late);
    assert.ok(Date.now() - begin < 5_000);
    const stop = new AbortController();
    const call = client.getConfig(waits, { signal: stop.signal });
    setTimeout(() => {
      stop.abort("enough");
    }, 20);
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof QConfigError);
      assert.deepEqual([error.code, error.cause], [status.CANCELLED, "enough"]);
      return true;
    });
    await assert.rejects(client.getConfig(LLAMA, { signal: stop.signal }), failure(status.CANCELLED, "UNSPECIFIED"));
  });

  test("a call on a closed client fails", async () => {
    const client = connect();
    await client.getConfig(LLAMA);
    client.close();
    await assert.rejects(client.getConfig(LLAMA), (error: unknown) => {
      assert.equal((error as Error).message, "the client is closed");
      return failure(status.UNAVAILABLE, "UNSPECIFIED")(error);
    });
  });

  test("concurrent calls", async () => {
    const client = connect();
    const answers = await Promise.all(Array.from({ length: 200 }, () => client.getConfig(LLAMA)));
    assert.equal(new Set(answers.map((answer) => answer.configDigest)).size, 1);
  });

  test("a value of the wrong type is rejected before it is sent", async () => {
    await assert.rejects(connect().listSchemes({ pageSize: 1.5 }), /int32/);
  });
});
