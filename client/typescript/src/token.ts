// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync, statSync } from "node:fs";

// gRPC rejects calls with more than 8 KiB of metadata before the server sees them.
const MAX_TOKEN_BYTES = 7 << 10;
const MAX_AGE_MS = 1000;

/** A file with a token that may be replaced at any time. */
export class TokenFile {
  #token = "";
  #readAt = -Infinity;

  constructor(readonly path: string) {}

  /**
   * Returns the token, read at most one second before `now`. Does not keep an error.
   * Reads synchronously, so that a call begins when the client's method is called, as without a token.
   */
  read(now = performance.now()): string {
    const age = now - this.#readAt;
    if (age < 0 || age >= MAX_AGE_MS) {
      this.#token = readToken(this.path);
      this.#readAt = now;
    }
    return this.#token;
  }
}

/**
 * Matches a text that probably has a token, as in "Bearer TOKEN", and is not the name of a file: one of new-token, or a JSON Web
 * Token. What follows a slash is a file.
 */
const TOKEN = /(^|[^/])(qct_|eyJ.*\..*\.)/s;

/** Returns the token in the file, without whitespace at its end. No error, nor its `cause`, has a part of the token. */
export function readToken(path: string): string {
  let token = "";
  let problem: string;
  try {
    token = readSmallFile(path).replace(/[ \t\n\v\f\r]+$/, "");
    problem = findProblem(token);
  } catch (error) {
    if (TOKEN.test(path)) {
      // Without a cause, because Node's error has the path.
      throw new Error("the token file is a token; write the token to a file, and name that file");
    }
    problem = error instanceof Error ? error.message : String(error);
  }
  if (problem !== "") throw new Error(`token file ${path}: ${problem}`);
  return token;
}

function readSmallFile(path: string): string {
  const file = openRegular(path);
  try {
    const bytes = Buffer.alloc(MAX_TOKEN_BYTES + 1);
    let count = 0;
    for (let more = 1; more > 0; count += more) more = readSync(file, bytes, count, bytes.length - count, null);
    if (count > MAX_TOKEN_BYTES) throw new Error(`has more than ${String(MAX_TOKEN_BYTES)} bytes`);
    return bytes.toString("latin1", 0, count);
  } finally {
    closeSync(file);
  }
}

function openRegular(path: string): number {
  let isFile: boolean;
  try {
    isFile = statSync(path).isFile(); // opening a pipe would block
    if (isFile) return openSync(path, "r");
  } catch (error) {
    // Node's text is "ENOENT: no such file or directory, open '/path'".
    const text = error instanceof Error ? error.message.replace(/^\w+: (.*), \w+ '.*'$/s, "$1") : String(error);
    throw new Error(`cannot be opened: ${text}`);
  }
  throw new Error("is not a regular file");
}

/** Returns what metadata cannot have; empty if nothing is wrong. */
function findProblem(token: string): string {
  if (token === "") return "is empty; write the token to it";
  if (/[\r\n]/.test(token)) return "has several lines; it must have only the token, in one line";
  if (/[ \t]/.test(token)) return 'has a space; it must have only the token, without "Bearer" before it';
  if (!/^[!-~]*$/.test(token)) {
    return "has a character that is not printable ASCII, such as a byte order mark; it must have only the token";
  }
  return "";
}
