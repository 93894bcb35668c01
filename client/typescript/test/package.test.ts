// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../..", import.meta.url));

test("the types document each method, and the retries of writes", () => {
  const lines = readFileSync(join(FOLDER, "dist/client.d.ts"), "utf8").split("\n");
  const methods = lines.flatMap((line, at) => (/: (Promise|AsyncGenerator)</.test(line) ? [at] : []));
  assert.equal(methods.length, 18);
  for (const at of methods) {
    assert.match(lines[at - 1] ?? "", /\*\/$/, lines[at]);
    if (/register|setDefault/i.test(lines[at] ?? ""))
      assert.match(lines[at - 2] ?? "", /UNAVAILABLE or DEADLINE_EXCEEDED/);
  }
});

test("generate rejects other versions of protoc", () => {
  const folder = mkdtempSync(join(tmpdir(), "qconfig-"));
  try {
    writeFileSync(join(folder, "protoc"), "#!/bin/sh\necho libprotoc 25.1\n", { mode: 0o755 });
    const { status, stderr } = spawnSync(join(FOLDER, "generate"), [join(folder, "out")], {
      env: { ...process.env, PATH: [folder, process.env.PATH].join(delimiter) },
      encoding: "utf8",
    });
    assert.equal(status, 1);
    assert.match(stderr, /protoc 3\.21\.12 is required/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
