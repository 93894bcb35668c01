// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.qconfig.v1.BatchGetConfigRequest;
import dev.qconfig.v1.BatchGetConfigResponse;
import dev.qconfig.v1.ChangeRecord;
import dev.qconfig.v1.ConfigServiceGrpc;
import dev.qconfig.v1.GetConfigRequest;
import dev.qconfig.v1.GetConfigResponse;
import dev.qconfig.v1.GetSchemeRequest;
import dev.qconfig.v1.GetSchemeResponse;
import dev.qconfig.v1.GetTemplateRequest;
import dev.qconfig.v1.GetTemplateResponse;
import dev.qconfig.v1.ListCatalogsRequest;
import dev.qconfig.v1.ListCatalogsResponse;
import dev.qconfig.v1.ListChangesRequest;
import dev.qconfig.v1.ListChangesResponse;
import dev.qconfig.v1.ListSchemesRequest;
import dev.qconfig.v1.ListSchemesResponse;
import dev.qconfig.v1.ListTemplatesRequest;
import dev.qconfig.v1.ListTemplatesResponse;
import dev.qconfig.v1.LlmTemplate;
import dev.qconfig.v1.RegisterSchemeRequest;
import dev.qconfig.v1.RegisterSchemeResponse;
import dev.qconfig.v1.RegisterTemplateRequest;
import dev.qconfig.v1.RegisterTemplateResponse;
import dev.qconfig.v1.RegistryServiceGrpc;
import dev.qconfig.v1.Scheme;
import dev.qconfig.v1.SetDefaultCatalogRequest;
import dev.qconfig.v1.SetDefaultCatalogResponse;
import dev.qconfig.v1.UnregisterSchemeRequest;
import dev.qconfig.v1.UnregisterSchemeResponse;
import dev.qconfig.v1.UnregisterTemplateRequest;
import dev.qconfig.v1.UnregisterTemplateResponse;
import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Calls a qconfig server. Thread-safe; one client for a process is enough.
 *
 * <p>Every call blocks until the answer is there, and throws {@link QConfigException} when it
 * fails. The comments of the proto files say what requests and answers mean, and which errors there
 * are.
 */
public final class QConfigClient implements AutoCloseable {
  private final ManagedChannel channel;
  private final Reconnector reconnector;
  private final String tenant;
  private final String catalog;
  private final Duration timeout;
  private final boolean triesAgain;

  private QConfigClient(Builder builder) {
    channel = Channels.open(builder.server, builder.credentials, builder.serviceConfig);
    reconnector = new Reconnector(channel);
    tenant = builder.tenant;
    catalog = builder.catalog;
    timeout = builder.timeout;
    triesAgain = !builder.serviceConfig.isEmpty();
  }

  private QConfigClient(QConfigClient other, Duration timeout) {
    channel = other.channel;
    reconnector = other.reconnector;
    tenant = other.tenant;
    catalog = other.catalog;
    this.timeout = Objects.requireNonNull(timeout);
    triesAgain = other.triesAgain;
  }

  /** What a client is made with; {@code builder().build()} is one for {@code localhost:50051}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The same client with another timeout of its calls, for one call or many. Both share their
   * connections, and closing either closes both.
   *
   * @param timeout of one call, with all its tries; zero or less: DEADLINE_EXCEEDED at once
   */
  public QConfigClient withTimeout(Duration timeout) {
    return new QConfigClient(this, timeout);
  }

  /**
   * The configuration for a model type and a scheme (Quark's {@code LLMTemplate.get_config}).
   *
   * @throws QConfigException if the call fails
   */
  public GetConfigResponse getConfig(GetConfigRequest request) {
    return call(ConfigServiceGrpc.getGetConfigMethod(), request);
  }

  /**
   * The answers to up to 1,000 requests, in the same order. An item that fails does not throw:
   * {@link QConfigException#of} makes an exception of its error.
   *
   * @throws QConfigException if the whole call fails
   */
  public BatchGetConfigResponse batchGetConfig(BatchGetConfigRequest request) {
    BatchGetConfigRequest.Builder filled = request.toBuilder();
    filled.getRequestsBuilderList().forEach(this::fillIn);
    return call(ConfigServiceGrpc.getBatchGetConfigMethod(), filled.build());
  }

  /**
   * One page of the templates that a tenant sees, in registration order.
   *
   * @throws QConfigException if the call fails
   */
  public ListTemplatesResponse listTemplates(ListTemplatesRequest request) {
    return call(ConfigServiceGrpc.getListTemplatesMethod(), request);
  }

  /**
   * The templates of all pages from the request's on. They are read while iterating, which throws
   * as {@link #listTemplates} does; each page has the whole timeout.
   */
  public Iterable<LlmTemplate> allTemplates(ListTemplatesRequest request) {
    return allEntries(
        request.getPageToken(),
        token -> listTemplates(request.toBuilder().setPageToken(token).build()),
        ListTemplatesResponse::getNextPageToken,
        ListTemplatesResponse::getLlmTemplatesList);
  }

  /**
   * One template in the full view.
   *
   * @throws QConfigException if the call fails
   */
  public GetTemplateResponse getTemplate(GetTemplateRequest request) {
    return call(ConfigServiceGrpc.getGetTemplateMethod(), request);
  }

  /**
   * One page of the schemes that a tenant sees, in registration order.
   *
   * @throws QConfigException if the call fails
   */
  public ListSchemesResponse listSchemes(ListSchemesRequest request) {
    return call(ConfigServiceGrpc.getListSchemesMethod(), request);
  }

  /** The schemes of all pages, as {@link #allTemplates}. */
  public Iterable<Scheme> allSchemes(ListSchemesRequest request) {
    return allEntries(
        request.getPageToken(),
        token -> listSchemes(request.toBuilder().setPageToken(token).build()),
        ListSchemesResponse::getNextPageToken,
        ListSchemesResponse::getSchemesList);
  }

  /**
   * One scheme in the full view.
   *
   * @throws QConfigException if the call fails
   */
  public GetSchemeResponse getScheme(GetSchemeRequest request) {
    return call(ConfigServiceGrpc.getGetSchemeMethod(), request);
  }

  /**
   * The server's catalogues, one for each Quark release, oldest first.
   *
   * @throws QConfigException if the call fails
   */
  public ListCatalogsResponse listCatalogs(ListCatalogsRequest request) {
    return call(ConfigServiceGrpc.getListCatalogsMethod(), request);
  }

  /**
   * Adds a scheme, or replaces the tenant's scheme of the same name if the request has {@code
   * replace} or {@code etag} (Quark's {@code LLMTemplate.register_scheme}).
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been stored. To repeat it safely,
   * set a {@code request_id} and send the same one again: the random one that a request without it
   * gets is for the retries of one call.
   *
   * @throws QConfigException if the call fails
   */
  public RegisterSchemeResponse registerScheme(RegisterSchemeRequest request) {
    return call(RegistryServiceGrpc.getRegisterSchemeMethod(), request);
  }

  /**
   * Removes a scheme of the tenant (Quark's {@code LLMTemplate.unregister_scheme}).
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED it may have been stored; call again with the same
   * {@code request_id}, as {@link #registerScheme} says.
   *
   * @throws QConfigException if the call fails
   */
  public UnregisterSchemeResponse unregisterScheme(UnregisterSchemeRequest request) {
    return call(RegistryServiceGrpc.getUnregisterSchemeMethod(), request);
  }

  /**
   * Adds a template, or replaces the tenant's one of the same model type (Quark's {@code
   * LLMTemplate.register_template}).
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED it may have been stored; call again with the same
   * {@code request_id}, as {@link #registerScheme} says.
   *
   * @throws QConfigException if the call fails
   */
  public RegisterTemplateResponse registerTemplate(RegisterTemplateRequest request) {
    return call(RegistryServiceGrpc.getRegisterTemplateMethod(), request);
  }

  /**
   * Removes a template of the tenant.
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED it may have been stored; call again with the same
   * {@code request_id}, as {@link #registerScheme} says.
   *
   * @throws QConfigException if the call fails
   */
  public UnregisterTemplateResponse unregisterTemplate(UnregisterTemplateRequest request) {
    return call(RegistryServiceGrpc.getUnregisterTemplateMethod(), request);
  }

  /**
   * Changes the catalogue that requests of the tenant use if they name none. The request must name
   * the catalogue: the client does not fill in its own.
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED it may have been stored; call again with the same
   * {@code request_id}, as {@link #registerScheme} says.
   *
   * @throws QConfigException if the call fails
   */
  public SetDefaultCatalogResponse setDefaultCatalog(SetDefaultCatalogRequest request) {
    return call(RegistryServiceGrpc.getSetDefaultCatalogMethod(), request);
  }

  /**
   * One page of the writes to a tenant's registry, newest first.
   *
   * @throws QConfigException if the call fails
   */
  public ListChangesResponse listChanges(ListChangesRequest request) {
    return call(RegistryServiceGrpc.getListChangesMethod(), request);
  }

  /** The writes of all pages, newest first, as {@link #allTemplates}. */
  public Iterable<ChangeRecord> allChanges(ListChangesRequest request) {
    return allEntries(
        request.getPageToken(),
        token -> listChanges(request.toBuilder().setPageToken(token).build()),
        ListChangesResponse::getNextPageToken,
        ListChangesResponse::getChangesList);
  }

  /** Lets calls that run end, and does not wait for them; new ones are refused as UNAVAILABLE. */
  @Override
  public void close() {
    channel.shutdown();
  }

  /**
   * Whether the SHA-256 of {@code canonical_json} is {@code config_digest}.
   *
   * @throws IllegalArgumentException if the answer has no {@code canonical_json}
   */
  public static boolean verifyDigest(GetConfigResponse response) {
    if (response.getCanonicalJson().isEmpty()) {
      throw new IllegalArgumentException(
          "the answer has no canonical_json: ask with include_canonical_json, and without if_digest");
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(response.getCanonicalJsonBytes().toByteArray());
      return HexFormat.of().formatHex(digest).equals(response.getConfigDigest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has it.
    }
  }

  private <Q extends Message, P> P call(MethodDescriptor<Q, P> method, Q request) {
    Message.Builder filled = request.toBuilder();
    fillIn(filled);
    CallOptions options =
        CallOptions.DEFAULT.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
    try {
      @SuppressWarnings("unchecked") // A message's builder builds its type.
      Q built = (Q) filled.build();
      return reconnector.during(() -> tryCall(method, options, built));
    } catch (StatusRuntimeException e) {
      throw QConfigException.of(e);
    }
  }

  /** Calls again when the connection went before the request was written: the library does not. */
  private <Q, P> P tryCall(MethodDescriptor<Q, P> method, CallOptions options, Q request) {
    try {
      return ClientCalls.blockingUnaryCall(channel, method, options, request);
    } catch (StatusRuntimeException e) {
      if (!triesAgain || !QConfigException.isUnwritten(e.getStatus())) throw e;
      return ClientCalls.blockingUnaryCall(channel, method, options, request);
    }
  }

  /** Sets the fields that the request leaves empty to the client's values. */
  private void fillIn(Message.Builder request) {
    fillIn(request, "tenant", () -> tenant);
    fillIn(request, "request_id", () -> UUID.randomUUID().toString());
    // Here the catalogue is the value to write, and not the catalogue to read.
    if (request instanceof SetDefaultCatalogRequest.Builder) return;
    fillIn(request, "catalog", () -> catalog);
  }

  private static void fillIn(Message.Builder request, String name, Supplier<String> value) {
    FieldDescriptor field = request.getDescriptorForType().findFieldByName(name);
    if (field != null && request.getField(field).equals("")) request.setField(field, value.get());
  }

  private static <P, E> Iterable<E> allEntries(
      String firstToken,
      Function<String, P> read,
      Function<P, String> nextToken,
      Function<P, List<E>> entries) {
    Function<P, P> next =
        page -> nextToken.apply(page).isEmpty() ? null : read.apply(nextToken.apply(page));
    return () ->
        Stream.iterate(read.apply(firstToken), Objects::nonNull, next::apply)
            .flatMap(page -> entries.apply(page).stream())
            .iterator();
  }

  /** What a client is made of. Each setting has a default. */
  public static final class Builder {
    private String server = "localhost:50051";
    private String tenant = "";
    private String catalog = "";
    private Duration timeout = Duration.ofSeconds(10);
    private ChannelCredentials credentials = InsecureChannelCredentials.create();
    private String serviceConfig = Channels.DEFAULT_SERVICE_CONFIG;

    private Builder() {}

    /**
     * host:port, or any other gRPC target. Several servers are the addresses of one DNS name, as in
     * {@code dns:///qconfig.example.com:50051}. Default: {@code localhost:50051}.
     */
    public Builder server(String server) {
      this.server = Objects.requireNonNull(server);
      return this;
    }

    /** Goes into requests that name none. Default: "", which the server takes for "default". */
    public Builder tenant(String tenant) {
      this.tenant = Objects.requireNonNull(tenant);
      return this;
    }

    /** Goes into requests that name none. Default: "", the tenant's. */
    public Builder catalog(String catalog) {
      this.catalog = Objects.requireNonNull(catalog);
      return this;
    }

    /** Of one call, with all its tries. Default: 10 s. */
    public Builder timeout(Duration timeout) {
      this.timeout = Objects.requireNonNull(timeout);
      return this;
    }

    /**
     * How the connection is secured; see {@link io.grpc.TlsChannelCredentials}, whose {@code
     * create()} takes the authorities that the system trusts. Default: not at all.
     */
    public Builder credentials(ChannelCredentials credentials) {
      this.credentials = Objects.requireNonNull(credentials);
      return this;
    }

    /**
     * gRPC's service config as JSON; empty: one server, calls are tried once. Default: calls go in
     * turns to the servers that are healthy, and UNAVAILABLE is tried up to four times.
     */
    public Builder serviceConfig(String json) {
      this.serviceConfig = Objects.requireNonNull(json);
      return this;
    }

    /**
     * Does not connect yet: a server that cannot be reached is UNAVAILABLE at the first call.
     *
     * @throws IllegalArgumentException if the server is no target, or the service config no JSON
     *     object
     */
    public QConfigClient build() {
      return new QConfigClient(this);
    }
  }
}
