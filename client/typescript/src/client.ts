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
import type { ChangeRecord, LlmTemplate, Scheme } from "./generated/qconfig/v1/registry_pb.js";
import * as registry from "./generated/qconfig/v1/registry_service_pb.js";
import { SERVICE_CONFIG } from "./generated/service_config.js";
import { channelCredentials, channelOptions, type ClientOptions } from "./options.js";

export interface CallOptions {
  /** Of the call with all its tries, or of each page's. Default: the client's. */
  timeoutMs?: number;
  /** Ends the call as CANCELLED; its reason is the error's `cause`. */
  signal?: AbortSignal;
}

type Init<Schema extends DescMessage> = MessageInitShape<Schema>;

/** What the client fills in, where a request has such a field. */
interface Filled {
  tenant?: string;
  catalog?: string;
  requestId?: string;
  requests?: (Message & Filled)[];
}

const { method: configMethods } = config.ConfigService;
const { method: registryMethods } = registry.RegistryService;

/** Asks for page after page. */
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

/**
 * Calls a qconfig server. One client for a process is enough: it runs any number of calls at once.
 * A call that fails rejects with a `QConfigError`. Requests are never changed.
 * A write without a `requestId` gets one, so that retries apply it once.
 */
export class Client {
  readonly #channel: Channel;
  readonly #tenant: string;
  readonly #catalog: string;
  readonly #timeoutMs: number;
  #closed = false;

  /** Does not connect yet: a server that cannot be reached is UNAVAILABLE at the first call. */
  constructor(options: ClientOptions = {}) {
    const { server = "localhost:50051", serviceConfig = SERVICE_CONFIG } = options;
    this.#channel = new Channel(server, channelCredentials(options.tls), channelOptions(serviceConfig));
    this.#tenant = options.tenant ?? "";
    this.#catalog = options.catalog ?? "";
    this.#timeoutMs = options.timeoutMs ?? 10_000;
  }

  /** Ends the connections when the calls on them are done. A call from then on is UNAVAILABLE. */
  close(): void {
    this.#closed = true;
    this.#channel.close();
  }

  /** Builds the configuration for one model type and scheme. */
  getConfig(
    request: Init<typeof config.GetConfigRequestSchema>,
    options?: CallOptions,
  ): Promise<config.GetConfigResponse> {
    return this.#call(configMethods.getConfig, request, options);
  }

  /** Answers many requests in one call. `new QConfigError(item)` makes an error of an item that failed. */
  batchGetConfig(
    request: Init<typeof config.BatchGetConfigRequestSchema>,
    options?: CallOptions,
  ): Promise<config.BatchGetConfigResponse> {
    return this.#call(configMethods.batchGetConfig, request, options);
  }

  /** Reads one page of the templates that the tenant sees; `allTemplates` reads them all. */
  listTemplates(
    request: Init<typeof config.ListTemplatesRequestSchema> = {},
    options?: CallOptions,
  ): Promise<config.ListTemplatesResponse> {
    return this.#call(configMethods.listTemplates, request, options);
  }

  /** The templates of all pages. */
  async *allTemplates(
    request: Init<typeof config.ListTemplatesRequestSchema> = {},
    options?: CallOptions,
  ): AsyncGenerator<LlmTemplate, void> {
    for await (const page of pages(request, (next) => this.listTemplates(next, options))) yield* page.llmTemplates;
  }

  /** Reads one template. */
  getTemplate(
    request: Init<typeof config.GetTemplateRequestSchema>,
    options?: CallOptions,
  ): Promise<config.GetTemplateResponse> {
    return this.#call(configMethods.getTemplate, request, options);
  }

  /** Reads one page of the schemes that the tenant sees; `allSchemes` reads them all. */
  listSchemes(
    request: Init<typeof config.ListSchemesRequestSchema> = {},
    options?: CallOptions,
  ): Promise<config.ListSchemesResponse> {
    return this.#call(configMethods.listSchemes, request, options);
  }

  /** The schemes of all pages. */
  async *allSchemes(
    request: Init<typeof config.ListSchemesRequestSchema> = {},
    options?: CallOptions,
  ): AsyncGenerator<Scheme, void> {
    for await (const page of pages(request, (next) => this.listSchemes(next, options))) yield* page.schemes;
  }

  /** Reads one scheme. */
  getScheme(
    request: Init<typeof config.GetSchemeRequestSchema>,
    options?: CallOptions,
  ): Promise<config.GetSchemeResponse> {
    return this.#call(configMethods.getScheme, request, options);
  }

  /** Reads which catalogues the server has. */
  listCatalogs(
    request: Init<typeof config.ListCatalogsRequestSchema> = {},
    options?: CallOptions,
  ): Promise<config.ListCatalogsResponse> {
    return this.#call(configMethods.listCatalogs, request, options);
  }

  /**
   * Adds a scheme to the tenant's registry. With `replace` or `etag` it replaces the tenant's scheme of the same name.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been stored: to repeat it, send the same `requestId` again.
   */
  registerScheme(
    request: Init<typeof registry.RegisterSchemeRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.RegisterSchemeResponse> {
    return this.#call(registryMethods.registerScheme, request, options);
  }

  /**
   * Removes a scheme of the tenant.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been stored: to repeat it, send the same `requestId` again.
   */
  unregisterScheme(
    request: Init<typeof registry.UnregisterSchemeRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.UnregisterSchemeResponse> {
    return this.#call(registryMethods.unregisterScheme, request, options);
  }

  /**
   * Adds a template to the tenant's registry, or replaces the one of the same model type.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been stored: to repeat it, send the same `requestId` again.
   */
  registerTemplate(
    request: Init<typeof registry.RegisterTemplateRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.RegisterTemplateResponse> {
    return this.#call(registryMethods.registerTemplate, request, options);
  }

  /**
   * Removes a template of the tenant.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been stored: to repeat it, send the same `requestId` again.
   */
  unregisterTemplate(
    request: Init<typeof registry.UnregisterTemplateRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.UnregisterTemplateResponse> {
    return this.#call(registryMethods.unregisterTemplate, request, options);
  }

  /**
   * Changes the catalogue that requests of the tenant use if they name none. The client's `catalog` does not go into the request.
   * After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been stored: to repeat it, send the same `requestId` again.
   */
  setDefaultCatalog(
    request: Init<typeof registry.SetDefaultCatalogRequestSchema>,
    options?: CallOptions,
  ): Promise<registry.SetDefaultCatalogResponse> {
    return this.#call(registryMethods.setDefaultCatalog, request, options);
  }

  /** Reads one page of the writes to the tenant's registry, newest first; `allChanges` reads them all. */
  listChanges(
    request: Init<typeof registry.ListChangesRequestSchema> = {},
    options?: CallOptions,
  ): Promise<registry.ListChangesResponse> {
    return this.#call(registryMethods.listChanges, request, options);
  }

  /** The writes of all pages, newest first. */
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
    if (this.#closed) {
      throw new QConfigError({
        code: status.UNAVAILABLE,
        reason: ErrorReason.UNSPECIFIED,
        message: "the client is closed",
        metadata: {},
        fieldViolations: [],
      });
    }
    const request = clone(method.input, create(method.input, init));
    this.#fillIn(request);
    const path = `/${method.parent.typeName}/${method.name}`;
    const answer = await this.#send(path, toBinary(method.input, request), options);
    if (answer instanceof Error) throw errorOfCall(answer, options.signal?.reason);
    return fromBinary(method.output, answer);
  }

  #fillIn(request: Message & Filled): void {
    if (request.tenant === "") request.tenant = this.#tenant;
    // In SetDefaultCatalogRequest the field is what to change, not what to read from.
    if (request.catalog === "" && !isMessage(request, registry.SetDefaultCatalogRequestSchema)) {
      request.catalog = this.#catalog;
    }
    if (request.requestId === "") request.requestId = randomUUID();
    request.requests?.forEach((item) => {
      this.#fillIn(item);
    });
  }

  /** Gives the error instead of rejecting with it, so that what is thrown knows who called. */
  #send(path: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array | ServiceError> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    return new Promise((resolve) => {
      const call = this.#channel.makeUnaryRequest<Uint8Array, Uint8Array>(
        path,
        (message) => Buffer.from(message),
        (bytes) => bytes,
        request,
        new Metadata(),
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
