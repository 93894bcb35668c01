// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import {
  clone,
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  isMessage,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client as Channel, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { errorOfCall, QConfigError } from "./error.js";
import * as config from "./generated/qconfig/v1/config_service_pb.js";
import { ErrorReason } from "./generated/qconfig/v1/error_pb.js";
import type { PlanLayersRequestSchema, PlanLayersResponse } from "./generated/qconfig/v1/plan_pb.js";
import type { ChangeRecord, LlmTemplate, Scheme } from "./generated/qconfig/v1/registry_pb.js";
import * as registry from "./generated/qconfig/v1/registry_service_pb.js";
import type { Endpoint } from "./hints.js";
import { SERVICE_CONFIG } from "./generated/service_config.js";
import { channelCredentials, channelOptions, type ClientOptions } from "./options.js";
import { TokenFile } from "./token.js";

export interface CallOptions {
  /** Timeout of a call, including its retries, or of each page. Default: the client's. */
  timeoutMs?: number;
  /** Cancels the call with CANCELLED. The signal's reason becomes the error's `cause`. */
  signal?: AbortSignal;
}

type Init<Schema extends DescMessage> = MessageInitShape<Schema>;

/** The fields that the client fills in, if a request has them. */
interface Filled {
  tenant?: string;
  catalog?: string;
  requestId?: string;
  requests?: (Message & Filled)[];
}

const { method: configMethods } = config.ConfigService;
const { method: registryMethods } = registry.RegistryService;

/** Yields all pages. */
async function* pages<Request extends { pageToken?: string }, Page extends { nextPageToken: string }>(
  request: Request,
  list: (request: Request) => Promise<Page>,
): AsyncGenerator<Page, void> {
  let pageToken: string | undefined;
  do {
    const page = await list(pageToken === undefined ? request : { ...request, pageToken });
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

function errorOfClient(code: status, message: string, cause?: unknown): QConfigError {
  const error = { code, reason: ErrorReason.UNSPECIFIED, message, metadata: {}, fieldViolations: [] };
  return new QConfigError(error, cause === undefined ? undefined : { cause });
}

/**
 * Calls a qconfig server. A process needs only one client, which can have any number of calls in flight.
 * A failed call rejects with a `QConfigError`. Requests are not modified.
 * The client sets a random `requestId` on writes that have none, so that its retries are idempotent.
 * If `tokenFile` is invalid, or the token would be sent unencrypted, calls fail with FAILED_PRECONDITION and send nothing. No
 * error has a part of the token.
 */
export class Client {
  readonly #channel: Channel;
  readonly #endpoint: Endpoint;
  readonly #tenant: string;
  readonly #catalog: string;
  readonly #timeoutMs: number;
  readonly #tokenFile: TokenFile | undefined;
  readonly #allowUnencryptedToken: boolean;
  #closed = false;

  /** Does not connect: if the server is unreachable, the first call fails with UNAVAILABLE. */
  constructor(options: ClientOptions = {}) {
    const { server = "localhost:50051", serviceConfig = SERVICE_CONFIG } = options;
    this.#channel = new Channel(server, channelCredentials(options.tls), channelOptions(serviceConfig));
    const { tls } = options;
    this.#endpoint = { server, tls: tls !== undefined, cert: tls?.cert !== undefined };
    this.#tenant = options.tenant ?? "";
    this.#catalog = options.catalog ?? "";
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    const { QCONFIG_TOKEN_FILE = "", QCONFIG_ALLOW_UNENCRYPTED_TOKEN } = process.env;
    const { tokenFile = QCONFIG_TOKEN_FILE } = options;
    this.#tokenFile = tokenFile === "" ? undefined : new TokenFile(tokenFile);
    this.#allowUnencryptedToken = options.allowUnencryptedToken ?? QCONFIG_ALLOW_UNENCRYPTED_TOKEN === "true";
  }

  /** Closes the connections after the calls in flight have finished. Later calls fail with UNAVAILABLE. */
  close(): void {
    this.#closed = true;
    this.#channel.close();
  }

  /** Returns the configuration for a model type and a scheme. */
  getConfig(
    request: Init<typeof config.GetConfigRequestSchema>,
    options?: CallOptions,
  ): Promise<config.GetConfigResponse> {
    return this.#call(configMethods.getConfig, request, options);
  }

  /** Sends many requests in one call. `new QConfigError(item)` converts a failed item to an error. */
  batchGetConfig(
    request: Init<typeof config.BatchGetConfigRequestSchema>,
    options?: CallOptions,
  ): Promise<config.BatchGetConfigResponse> {
    return this.#call(configMethods.batchGetConfig, request, options);
  }

  /** Computes what a configuration does to each module of a model, and reports what is wrong with it. */
  planLayers(request: Init<typeof PlanLayersRequestSchema>, options?: CallOptions): Promise<PlanLayersResponse> {
    return this.#call(configMethods.planLayers, request, options);
  }

  /** Returns one page of the templates that are visible to the tenant; `allTemplates` reads all pages. */
  listTemplates(
    request: Init<typeof config.ListTemplatesRequestSchema> = {},
    options?: CallOptions,
  ): Promise<config.ListTemplatesResponse> {
    return this.#call(configMethods.listTemplates, request, options);
  }

  /** Iterates over the templates of all pages. */
  async *allTemplates(
    request: Init<typeof config.ListTemplatesRequestSchema> = {},
    options?: CallOptions,
  ): AsyncGenerator<LlmTemplate, void> {
    for await (const page of pages(request, (next) => this.listTemplates(next, options))) yield* page.llmTemplates;
  }

  /** Returns a template. */
  getTemplate(
    request: Init<typeof config.GetTemplateRequestSchema>,
    options?: CallOptions,
  ): Promise<config.GetTemplateResponse> {
    return this.#call(configMethods.getTemplate, request, options);
  }

  /** Returns one page of the schemes that are visible to the tenant; `allSchemes` reads all pages. */
  listSchemes(
    request: Init<typeof config.ListSchemesRequestSchema> = {},
    options?: CallOptions,
  ): Promise<config.ListSchemesResponse> {
    return this.#call(configMethods.listSchemes, request, options);
  }

  /** Iterates over the schemes of all pages. */
  async *allSchemes(
    request: Init<typeof config.ListSchemesRequestSchema> = {},
    options?: CallOptions,
  ): AsyncGenerator<Scheme, void> {
    for await (const page of pages(request, (next) => this.listSchemes(next, options))) yield* page.schemes;
  }

  /** Returns a scheme. */
  getScheme(
    request: Init<typeof config.GetSchemeRequestSchema>,
    options?: CallOptions,
  ): Promise<config.GetSchemeResponse> {
    return this.#call(configMethods.getScheme, request, options);
  }

  /** Returns the server's catalogues. */
  listCatalogs(
    request: Init<typeof config.ListCatalogsRequestSchema> = {},
    options?: CallOptions,
  ): Promise<config.ListCatalogsResponse> {
    return this.#call(configMethods.listCatalogs, request, options);
  }

  /** Returns who the caller is for the server, and what the caller may do. */
  whoAmI(request: Init<typeof config.WhoAmIRequestSchema> = {}, options?: CallOptions): Promise<config.WhoAmIResponse> {
    return this.#call(configMethods.whoAmI, request, options);
  }

  /**
   * Adds a scheme to the tenant's registry, or replaces the tenant's scheme of the same name if `replace` or `etag` is set.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied: to retry it, send the same `requestId` again.
   */
  registerScheme(
    request: Init<typeof registry.RegisterSchemeRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.RegisterSchemeResponse> {
    return this.#call(registryMethods.registerScheme, request, options);
  }

  /**
   * Removes a scheme from the tenant's registry.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied: to retry it, send the same `requestId` again.
   */
  unregisterScheme(
    request: Init<typeof registry.UnregisterSchemeRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.UnregisterSchemeResponse> {
    return this.#call(registryMethods.unregisterScheme, request, options);
  }

  /**
   * Adds a template to the tenant's registry, or replaces the tenant's template for the model type unless `mustBeNew` is set.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied: to retry it, send the same `requestId` again.
   */
  registerTemplate(
    request: Init<typeof registry.RegisterTemplateRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.RegisterTemplateResponse> {
    return this.#call(registryMethods.registerTemplate, request, options);
  }

  /**
   * Removes a template from the tenant's registry.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied: to retry it, send the same `requestId` again.
   */
  unregisterTemplate(
    request: Init<typeof registry.UnregisterTemplateRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.UnregisterTemplateResponse> {
    return this.#call(registryMethods.unregisterTemplate, request, options);
  }

  /**
   * Sets the catalogue that the tenant's requests use by default. The client does not fill in its own `catalog`.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied: to retry it, send the same `requestId` again.
   */
  setDefaultCatalog(
    request: Init<typeof registry.SetDefaultCatalogRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.SetDefaultCatalogResponse> {
    return this.#call(registryMethods.setDefaultCatalog, request, options);
  }

  /** Returns one page of the writes to the tenant's registry, newest first; `allChanges` reads all pages. */
  listChanges(
    request: Init<typeof registry.ListChangesRequestSchema> = {},
    options?: CallOptions,
  ): Promise<registry.ListChangesResponse> {
    return this.#call(registryMethods.listChanges, request, options);
  }

  /** Iterates over the writes of all pages, newest first. */
  async *allChanges(
    request: Init<typeof registry.ListChangesRequestSchema> = {},
    options?: CallOptions,
  ): AsyncGenerator<ChangeRecord, void> {
    for await (const page of pages(request, (next) => this.listChanges(next, options))) yield* page.changes;
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    if (this.#closed) throw errorOfClient(status.UNAVAILABLE, "the client is closed");
    const credentials = this.#credentials();
    const request = clone(method.input, create(method.input, init));
    this.#fillIn(request);
    const path = `/${method.parent.typeName}/${method.name}`;
    const answer = await this.#send(path, toBinary(method.input, request), credentials, options);
    if (answer instanceof Error) throw errorOfCall(answer, this.#endpoint, options.signal?.reason);
    return fromBinary(method.output, answer);
  }

  /** Returns the metadata that authenticates a call. */
  #credentials(): Metadata {
    const metadata = new Metadata();
    if (this.#tokenFile === undefined) return metadata;
    try {
      metadata.set("authorization", `Bearer ${this.#tokenFile.read()}`);
    } catch (error) {
      throw errorOfClient(status.FAILED_PRECONDITION, error instanceof Error ? error.message : String(error), error);
    }
    // After reading, because the path could be a token by mistake. grpc-js would send call credentials over any connection.
    if (!this.#endpoint.tls && !this.#allowUnencryptedToken) {
      throw errorOfClient(
        status.FAILED_PRECONDITION,
        `the token in ${this.#tokenFile.path} is not sent over an unencrypted connection; set the option tls, or, if ` +
          "nobody else can read the connection, allowUnencryptedToken or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true",
      );
    }
    return metadata;
  }

  #fillIn(request: Message & Filled): void {
    if (request.tenant === "") request.tenant = this.#tenant;
    // In SetDefaultCatalogRequest, `catalog` is the new default.
    if (request.catalog === "" && !isMessage(request, registry.SetDefaultCatalogRequestSchema)) {
      request.catalog = this.#catalog;
    }
    if (request.requestId === "") request.requestId = randomUUID();
    request.requests?.forEach((item) => {
      this.#fillIn(item);
    });
  }

  /** Resolves to the error instead of rejecting, so that the stack of the thrown error contains the caller. */
  #send(
    path: string,
    request: Uint8Array,
    metadata: Metadata,
    options: CallOptions,
  ): Promise<Uint8Array | ServiceError> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    return new Promise((resolve) => {
      const call = this.#channel.makeUnaryRequest<Uint8Array, Uint8Array>(
        path,
        (message) => Buffer.from(message),
        (bytes) => bytes,
        request,
        metadata,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          signal?.removeEventListener("abort", cancel);
          resolve(error ?? answer ?? new Uint8Array());
        },
      );
      const cancel = () => {
        call.cancel();
      };
      if (signal?.aborted) cancel();
      else signal?.addEventListener("abort", cancel);
    });
  }
}
