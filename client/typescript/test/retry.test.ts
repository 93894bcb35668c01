// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Client, QConfigError, status } from "qconfig-client";
import { Server } from "./server.js";

const LLAMA = { spec: { modelType: "llama", scheme: "fp8" } };

describe("retries", () => {
  test("an OVERLOADED call is retried after the server's pushback", async (t) => {
    const server = await Server.start("--max-in-flight", "1", "--answer-cache-bytes", "0");
    const client = new Client({ server: server.address });
    const withoutRetries = new Client({ server: server.address, serviceConfig: "" });
    t.after(async () => {
      client.close();
      withoutRetries.close();
      await server.end();
    });
    const getConfigWhileHeld = async (): Promise<unknown> => {
      const stop = new AbortController();
      const held = client
        .getConfig({ ...LLAMA, minRevision: 99n }, { signal: stop.signal })
        .catch((error: unknown) => error);
      let rejected: unknown;
      do {
        await setTimeout(20);
        rejected = await withoutRetries.getConfig(LLAMA).catch((error: unknown) => error);
      } while (!(rejected instanceof QConfigError));
      assert.deepEqual([rejected.code, rejected.reason], [status.UNAVAILABLE, "OVERLOADED"]);
      const answer = client.getConfig(LLAMA).catch((error: unknown) => error);
      await setTimeout(50); // less than the backoff, so that all three retries find a free slot
      stop.abort();
      assert.ok((await held) instanceof QConfigError);
      return answer;
    };
    // On a busy machine, the slot may become free only after the last retry.
    const isOverloaded = (answer: unknown) => answer instanceof QConfigError && answer.reason === "OVERLOADED";
    let answer = await getConfigWhileHeld();
    for (let i = 0; i < 4 && isOverloaded(answer); i++) answer = await getConfigWhileHeld();
    if (answer instanceof Error) throw answer;
    assert.equal((answer as { revision: bigint }).revision, 1n);
  });

  test("no call fails while one of two servers shuts down", async (t) => {
    const [first, second] = await Promise.all([Server.start("--shutdown-delay-seconds", "1"), Server.start()]);
    const client = new Client({ server: `ipv4:${first.address},${second.address}` });
    t.after(async () => {
      client.close();
      await Promise.all([first.end(), second.end()]);
    });
    await client.getConfig(LLAMA);
    const stop = new AbortController();
    const calling = (async () => {
      while (!stop.signal.aborted) await client.getConfig(LLAMA);
    })();
    await first.end();
    stop.abort();
    await calling;
    await client.getConfig(LLAMA);
  });

  test("an unreachable server is UNAVAILABLE", async () => {
    const server = await Server.start();
    await server.end();
    const client = new Client({ server: server.address, timeoutMs: 30_000 });
    await assert.rejects(client.getConfig(LLAMA), (error: unknown) => {
      assert.ok(error instanceof QConfigError);
      assert.deepEqual([error.code, error.reason], [status.UNAVAILABLE, "UNSPECIFIED"]);
      return true;
    });
    client.close();
  });
});
