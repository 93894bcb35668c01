// SPDX-License-Identifier: Apache-2.0
import { CONNECTION_HINTS } from "./generated/connection_hints.js";

/** What the hints need to know of a client. */
export interface Endpoint {
  server: string;
  tls: boolean;
  /** Whether the client has a certificate. */
  cert: boolean;
}

/** A hint applies if all its conditions hold. */
interface Hint {
  server_begins?: string;
  server_has_port?: boolean;
  tls?: boolean;
  cert?: boolean;
  message?: string;
  text: string;
}

const OPTIONS: Readonly<Record<string, string>> = CONNECTION_HINTS.options.typescript;
const MESSAGES: Readonly<Record<string, readonly string[]>> = CONNECTION_HINTS.messages;

/** Returns what the message of a call that failed with UNAVAILABLE probably means, or "" if nothing is known. */
export function connectionHint(message: string, { server, tls, cert }: Endpoint): string {
  const is = (wanted: boolean | undefined, value: boolean) => wanted === undefined || wanted === value;
  const hint = (CONNECTION_HINTS.hints as Hint[]).find(
    (hint) =>
      server.startsWith(hint.server_begins ?? "") &&
      is(hint.server_has_port, server.includes(":")) &&
      is(hint.tls, tls) &&
      is(hint.cert, cert) &&
      (MESSAGES[hint.message ?? ""] ?? [""]).some((part) => message.includes(part)),
  );
  return hint?.text.replace(/\{(\w+)\}/g, (_, name: string) => OPTIONS[name] ?? "") ?? "";
}
