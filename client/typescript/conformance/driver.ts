// SPDX-License-Identifier: Apache-2.0
//
// The driver of tests/conformance/clients for the TypeScript client. Reads one operation per line from standard input, as
// JSON, and writes one JSON object per operation to standard output.
import { createInterface } from "node:readline";
import {
  type DescMessage,
  type DescMethodUnary,
  fromJson,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import {
  ChangeRecordSchema,
  Client,
  type ClientOptions,
  ConfigService,
  FindingSchema,
  type GetConfigResponse,
  GetConfigResponseSchema,
  LlmTemplateSchema,
  QConfigError,
  RegistryService,
  SchemeSchema,
  status,
  verifyDigest,
} from "qconfig-client";

interface Line {
  op: string;
  server?: string;
  tenant?: string;
  catalog?: string;
  timeout_s?: number;
  tls?: ClientOptions["tls"];
  token_file?: string;
  allow_unencrypted_token?: boolean;
  method?: string;
  request?: JsonValue;
  response?: JsonValue;
  count?: number;
}

type Call = (request: Message, options: { timeoutMs?: number }) => Promise<Message>;
type All = (request: Message) => AsyncIterable<Message>;

const METHODS = new Map<string | undefined, DescMethodUnary>(
  [...ConfigService.methods, ...RegistryService.methods].map((method) => [method.name, method as DescMethodUnary]),
);
const ENTRIES: Record<string, DescMessage> = {
  ListTemplates: LlmTemplateSchema,
  ListSchemes: SchemeSchema,
  ListChanges: ChangeRecordSchema,
};

let client = new Client();

function connect({ server, tenant, catalog, timeout_s, tls, token_file, allow_unencrypted_token }: Line) {
  client.close();
  client = new Client({
    ...{ server, tenant, catalog, timeoutMs: milliseconds(timeout_s), tls },
    ...{ tokenFile: token_file, allowUnencryptedToken: allow_unencrypted_token },
  });
  return { ok: true };
}

async function call({ method, request, timeout_s }: Line) {
  const { input, output, localName } = findMethod(method);
  // TypeScript cannot infer that the method accepts this message.
  const send = (client[localName as keyof Client] as unknown as Call).bind(client);
  try {
    const response = await send(fromJson(input, request ?? {}), { timeoutMs: milliseconds(timeout_s) });
    return { response: toJson(output, response) };
  } catch (error) {
    return { error: errorJson(error) };
  }
}

async function all({ method, request }: Line) {
  const { input, name } = findMethod(method);
  const entry = ENTRIES[name];
  if (entry === undefined) throw new Error(`${name} has no pages`);
  const list = (client[name.replace("List", "all") as keyof Client] as unknown as All).bind(client);
  try {
    const responses: JsonValue[] = [];
    for await (const message of list(fromJson(input, request ?? {}))) responses.push(toJson(entry, message));
    return { responses };
  } catch (error) {
    return { error: errorJson(error) };
  }
}

async function parallel(line: Line) {
  const answers = await Promise.all(Array.from({ length: line.count ?? 0 }, () => call(line)));
  return {
    responses: answers.flatMap((answer) => ("response" in answer ? [answer.response] : [])),
    errors: answers.flatMap((answer) => ("error" in answer ? [answer.error] : [])),
  };
}

function run(line: Line): object | Promise<object> {
  switch (line.op) {
    case "connect":
      return connect(line);
    case "call":
      return call(line);
    case "all":
      return all(line);
    case "parallel":
      return parallel(line);
    case "verify_digest":
      return checkDigest(fromJson(GetConfigResponseSchema, line.response ?? {}));
    default:
      throw new Error(`unknown operation: ${line.op}`);
  }
}

function checkDigest(response: GetConfigResponse) {
  try {
    return { ok: verifyDigest(response) };
  } catch (error) {
    return { error: { message: String(error) } };
  }
}

/** Quotes large integers, which JSON.parse would round. ProtoJSON also accepts them as strings. */
function parse(text: string): Line {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|(?<![\w.+-])-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  return JSON.parse(quoted) as Line;
}

function findMethod(name: string | undefined): DescMethodUnary {
  const method = METHODS.get(name);
  if (method === undefined) throw new Error(`unknown method: ${String(name)}`);
  return method;
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

function errorJson(error: unknown) {
  if (!(error instanceof QConfigError)) throw error;
  const { reason, fieldViolations } = error;
  return {
    code: status[error.code],
    reason: reason === "UNSPECIFIED" ? "" : reason,
    message: error.message,
    field: error.field,
    value: error.value,
    allowed: error.allowed,
    allowed_total: error.allowedTotal,
    suggestions: error.suggestions,
    rule: error.rule,
    required_role: error.requiredRole,
    retry_after_ms: String(error.retryAfterMs),
    tenant: error.tenant,
    catalog: error.catalog,
    first_revision: String(error.firstRevision),
    newest_revision: String(error.newestRevision),
    findings: error.findings.map((finding) => toJson(FindingSchema, finding)),
    finding_total: String(error.findingTotal),
    metadata: error.metadata,
    field_violations: fieldViolations.map(({ field, description }) => ({ field, description })),
    type: error.name,
  };
}

for await (const text of createInterface({ input: process.stdin })) {
  let answer: object;
  try {
    answer = await run(parse(text));
  } catch (error) {
    answer = { driver_error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
client.close();
