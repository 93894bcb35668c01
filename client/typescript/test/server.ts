// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BIN = process.env.QCONFIG_BIN ?? fileURLToPath(new URL("../../../../build/release/bin", import.meta.url));

/** A qconfigd on a free port. */
export class Server {
  private constructor(
    readonly address: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(...options: string[]): Promise<Server> {
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("QCONFIG_"));
    const server = spawn(
      join(BIN, "qconfigd"),
      ["--listen", "127.0.0.1:0", "--admin-listen", "", "--storage", "memory", ...options],
      { env: Object.fromEntries(kept), stdio: ["ignore", "ignore", "pipe"] },
    );
    const failed = new Promise<never>((_, reject) => server.once("error", reject));
    const lines: string[] = [];
    const port = (async () => {
      for await (const line of createInterface({ input: server.stderr })) {
        lines.push(line);
        const port = /listening on \S+ \(port (\d+)\)/.exec(line)?.[1];
        if (port !== undefined) return port;
      }
      throw new Error(`qconfigd did not start: ${lines.join("\n")}`);
    })();
    const address = `127.0.0.1:${await Promise.race([port, failed])}`;
    server.stderr.resume();
    return new Server(address, server);
  }

  /** Shuts the server down gracefully and waits for it to exit. */
  async end(): Promise<void> {
    if (this.process.exitCode !== null) return;
    this.process.kill();
    await once(this.process, "exit");
  }
}
