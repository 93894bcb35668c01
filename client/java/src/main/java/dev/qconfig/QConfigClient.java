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
import dev.qconfig.v1.PlanLayersRequest;
import dev.qconfig.v1.PlanLayersResponse;
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
import dev.qconfig.v1.WhoAmIRequest;
import dev.qconfig.v1.WhoAmIResponse;
import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.nio.file.Path;
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
 * Calls a qconfig server. Thread-safe; a process needs only one client.
 *
 * <p>Every call blocks until the response arrives, and throws {@link QConfigException} if it fails.
 * The comments of the proto files describe requests, responses and errors.
 *
 * <p>If the token file is invalid, or the token would be sent unencrypted, calls fail with
 * FAILED_PRECONDITION and send nothing. No exception has a part of the token.
 */
public final class QConfigClient implements AutoCloseable {
  private final ManagedChannel channel;
  private final ConnectionHints.Endpoint endpoint;
  private final Reconnector reconnector;
  private final String tenant;
  private final String catalog;
  private final Duration timeout;
  private final boolean retries;
  private final Authentication authentication;

  private QConfigClient(Builder builder) {
    endpoint = ConnectionHints.Endpoint.of(builder.server, builder.credentials);
    channel = open(builder, endpoint);
    reconnector = new Reconnector(channel);
    tenant = builder.tenant;
    catalog = builder.catalog;
    timeout = builder.timeout;
    retries = !builder.serviceConfig.isEmpty();
    authentication =
        new Authentication(builder.tokenFile, endpoint.tls(), builder.allowUnencryptedToken);
  }

  private QConfigClient(QConfigClient other, Duration timeout) {
    channel = other.channel;
    endpoint = other.endpoint;
    reconnector = other.reconnector;
    tenant = other.tenant;
    catalog = other.catalog;
    this.timeout = Objects.requireNonNull(timeout);
    retries = other.retries;
    authentication = other.authentication;
  }

  private static ManagedChannel open(Builder builder, ConnectionHints.Endpoint endpoint) {
    try {
      return Channels.open(builder.server, builder.credentials, builder.serviceConfig);
    } catch (IllegalArgumentException e) {
      String hint = ConnectionHints.find("", endpoint);
      throw hint.isEmpty() ? e : new IllegalArgumentException(e.getMessage() + hint, e);
    }
  }

  /** Returns a builder; {@code builder().build()} is a client for {@code localhost:50051}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns this client with another timeout, for one call or several. Both share their
   * connections, and closing either closes both.
   *
   * @param timeout of a call, including its retries; if it is zero or negative, calls fail with
   *     DEADLINE_EXCEEDED at once
   */
  public QConfigClient withTimeout(Duration timeout) {
    return new QConfigClient(this, timeout);
  }

  /**
   * Returns the configuration for a model type and a scheme, like Quark's {@code
   * LLMTemplate.get_config}.
   *
   * @throws QConfigException if the call fails
   */
  public GetConfigResponse getConfig(GetConfigRequest request) {
    return call(ConfigServiceGrpc.getGetConfigMethod(), request);
  }

  /**
   * Returns the results of up to 1,000 requests, in the same order. A failed item does not throw;
   * {@link QConfigException#of} converts its error to an exception.
   *
   * @throws QConfigException if the whole call fails
   */
  public BatchGetConfigResponse batchGetConfig(BatchGetConfigRequest request) {
    BatchGetConfigRequest.Builder filled = request.toBuilder();
    filled.getRequestsBuilderList().forEach(this::fillIn);
    return call(ConfigServiceGrpc.getBatchGetConfigMethod(), filled.build());
  }

  /**
   * Returns what a configuration does to each module of a model, and what is wrong with it.
   *
   * @throws QConfigException if the call fails, with {@link QConfigException#findings} if the plan
   *     has findings of the severity {@code fail_at}
   */
  public PlanLayersResponse planLayers(PlanLayersRequest request) {
    return call(ConfigServiceGrpc.getPlanLayersMethod(), request);
  }

  /**
   * Returns one page of the templates that are visible to the tenant, in registration order.
   *
   * @throws QConfigException if the call fails
   */
  public ListTemplatesResponse listTemplates(ListTemplatesRequest request) {
    return call(ConfigServiceGrpc.getListTemplatesMethod(), request);
  }

  /**
   * Iterates over the templates of all pages, starting at the request's. Each page is read when it
   * is needed, with the whole timeout, and throws like {@link #listTemplates}.
   */
  public Iterable<LlmTemplate> allTemplates(ListTemplatesRequest request) {
    return allEntries(
        request.getPageToken(),
        token -> listTemplates(request.toBuilder().setPageToken(token).build()),
        ListTemplatesResponse::getNextPageToken,
        ListTemplatesResponse::getLlmTemplatesList);
  }

  /**
   * Returns a template in the full view.
   *
   * @throws QConfigException if the call fails
   */
  public GetTemplateResponse getTemplate(GetTemplateRequest request) {
    return call(ConfigServiceGrpc.getGetTemplateMethod(), request);
  }

  /**
   * Returns one page of the schemes that are visible to the tenant, in registration order.
   *
   * @throws QConfigException if the call fails
   */
  public ListSchemesResponse listSchemes(ListSchemesRequest request) {
    return call(ConfigServiceGrpc.getListSchemesMethod(), request);
  }

  /** Iterates over the schemes of all pages, like {@link #allTemplates}. */
  public Iterable<Scheme> allSchemes(ListSchemesRequest request) {
    return allEntries(
        request.getPageToken(),
        token -> listSchemes(request.toBuilder().setPageToken(token).build()),
        ListSchemesResponse::getNextPageToken,
        ListSchemesResponse::getSchemesList);
  }

  /**
   * Returns a scheme in the full view.
   *
   * @throws QConfigException if the call fails
   */
  public GetSchemeResponse getScheme(GetSchemeRequest request) {
    return call(ConfigServiceGrpc.getGetSchemeMethod(), request);
  }

  /**
   * Returns the server's catalogues, one for each Quark release, oldest first.
   *
   * @throws QConfigException if the call fails
   */
  public ListCatalogsResponse listCatalogs(ListCatalogsRequest request) {
    return call(ConfigServiceGrpc.getListCatalogsMethod(), request);
  }

  /**
   * Returns who the caller is for the server, and what the caller may do.
   *
   * @throws QConfigException if the call fails
   */
  public WhoAmIResponse whoAmI(WhoAmIRequest request) {
    return call(ConfigServiceGrpc.getWhoAmIMethod(), request);
  }

  /**
   * Adds a scheme, or replaces the tenant's scheme of the same name if the request sets {@code
   * replace} or {@code etag}. Corresponds to Quark's {@code LLMTemplate.register_scheme}.
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied. To retry it safely,
   * set your own {@code request_id} and reuse it. The random one that the client sets by default
   * covers only the retries of a single call.
   *
   * @throws QConfigException if the call fails
   */
  public RegisterSchemeResponse registerScheme(RegisterSchemeRequest request) {
    return call(RegistryServiceGrpc.getRegisterSchemeMethod(), request);
  }

  /**
   * Removes a scheme from the tenant's registry, like Quark's {@code
   * LLMTemplate.unregister_scheme}.
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied; to retry it, reuse
   * the {@code request_id}, see {@link #registerScheme}.
   *
   * @throws QConfigException if the call fails
   */
  public UnregisterSchemeResponse unregisterScheme(UnregisterSchemeRequest request) {
    return call(RegistryServiceGrpc.getUnregisterSchemeMethod(), request);
  }

  /**
   * Adds a template, or replaces the tenant's template for the model type unless the request sets
   * {@code must_be_new}. Corresponds to Quark's {@code LLMTemplate.register_template}.
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied; to retry it, reuse
   * the {@code request_id}, see {@link #registerScheme}.
   *
   * @throws QConfigException if the call fails
   */
  public RegisterTemplateResponse registerTemplate(RegisterTemplateRequest request) {
    return call(RegistryServiceGrpc.getRegisterTemplateMethod(), request);
  }

  /**
   * Removes a template from the tenant's registry.
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied; to retry it, reuse
   * the {@code request_id}, see {@link #registerScheme}.
   *
   * @throws QConfigException if the call fails
   */
  public UnregisterTemplateResponse unregisterTemplate(UnregisterTemplateRequest request) {
    return call(RegistryServiceGrpc.getUnregisterTemplateMethod(), request);
  }

  /**
   * Sets the catalogue that the tenant's requests use by default. The request must set {@code
   * catalog}: the client does not fill in its own.
   *
   * <p>After UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied; to retry it, reuse
   * the {@code request_id}, see {@link #registerScheme}.
   *
   * @throws QConfigException if the call fails
   */
  public SetDefaultCatalogResponse setDefaultCatalog(SetDefaultCatalogRequest request) {
    return call(RegistryServiceGrpc.getSetDefaultCatalogMethod(), request);
  }

  /**
   * Returns one page of the writes to the tenant's registry, newest first.
   *
   * @throws QConfigException if the call fails
   */
  public ListChangesResponse listChanges(ListChangesRequest request) {
    return call(RegistryServiceGrpc.getListChangesMethod(), request);
  }

  /** Iterates over the writes of all pages, newest first, like {@link #allTemplates}. */
  public Iterable<ChangeRecord> allChanges(ListChangesRequest request) {
    return allEntries(
        request.getPageToken(),
        token -> listChanges(request.toBuilder().setPageToken(token).build()),
        ListChangesResponse::getNextPageToken,
        ListChangesResponse::getChangesList);
  }

  /**
   * Rejects new calls with UNAVAILABLE and closes the connections once the calls in flight have
   * finished. Does not wait for them.
   */
  @Override
  public void close() {
    channel.shutdown();
  }

  /**
   * Returns whether {@code config_digest} is the SHA-256 of {@code canonical_json}.
   *
   * @throws IllegalArgumentException if the response has no {@code canonical_json}
   */
  public static boolean verifyDigest(GetConfigResponse response) {
    if (response.getCanonicalJson().isEmpty()) {
      throw new IllegalArgumentException(
          "the response has no canonical_json: set include_canonical_json, and not if_digest");
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(response.getCanonicalJsonBytes().toByteArray());
      return HexFormat.of().formatHex(digest).equals(response.getConfigDigest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java platform has SHA-256.
    }
  }

  private <Q extends Message, P> P call(MethodDescriptor<Q, P> method, Q request) {
    Message.Builder filled = request.toBuilder();
    fillIn(filled);
    CallOptions options =
        authentication.addTo(
            CallOptions.DEFAULT.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS));
    try {
      @SuppressWarnings("unchecked") // The builder of a message builds its type.
      Q built = (Q) filled.build();
      return reconnector.during(() -> tryCall(method, options, built));
    } catch (StatusRuntimeException e) {
      throw QConfigException.of(e, endpoint);
    }
  }

  /** Retries a call if the connection was lost before it was written, which grpc-java does not. */
  private <Q, P> P tryCall(MethodDescriptor<Q, P> method, CallOptions options, Q request) {
    try {
      return ClientCalls.blockingUnaryCall(channel, method, options, request);
    } catch (StatusRuntimeException e) {
      if (!retries || !QConfigException.isUnwritten(e.getStatus())) throw e;
      return ClientCalls.blockingUnaryCall(channel, method, options, request);
    }
  }

  /** Sets the fields that the request leaves empty to the client's values. */
  private void fillIn(Message.Builder request) {
    fillIn(request, "tenant", () -> tenant);
    fillIn(request, "request_id", () -> UUID.randomUUID().toString());
    // In this request, catalog is the new default.
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

  /** The settings of a client. Each has a default. */
  public static final class Builder {
    private String server = "localhost:50051";
    private String tenant = "";
    private String catalog = "";
    private Duration timeout = Duration.ofSeconds(10);
    private ChannelCredentials credentials = InsecureChannelCredentials.create();
    private Path tokenFile = Authentication.fileOf(System.getenv());
    private boolean allowUnencryptedToken = Authentication.allowsUnencrypted(System.getenv());
    private String serviceConfig = Channels.DEFAULT_SERVICE_CONFIG;

    private Builder() {}

    /**
     * host:port, or any other gRPC target. Several servers are the addresses of one DNS name, such
     * as {@code dns:///qconfig.example.com:50051}. Default: {@code localhost:50051}.
     */
    public Builder server(String server) {
      this.server = Objects.requireNonNull(server);
      return this;
    }

    /**
     * The tenant of requests that do not set one. Default: "", the caller's default tenant, which a
     * policy can set.
     */
    public Builder tenant(String tenant) {
      this.tenant = Objects.requireNonNull(tenant);
      return this;
    }

    /** The catalogue of requests that do not set one. Default: "", the tenant's default. */
    public Builder catalog(String catalog) {
      this.catalog = Objects.requireNonNull(catalog);
      return this;
    }

    /** The timeout of a call, including its retries. Default: 10 s. */
    public Builder timeout(Duration timeout) {
      this.timeout = Objects.requireNonNull(timeout);
      return this;
    }

    /**
     * The credentials of the connections, see {@link io.grpc.TlsChannelCredentials}. Its {@code
     * create()} trusts the authorities that Java trusts. Default: no TLS.
     */
    public Builder credentials(ChannelCredentials credentials) {
      this.credentials = Objects.requireNonNull(credentials);
      return this;
    }

    /**
     * The file with the token that authenticates each call; {@code Path.of("")}: no token. A new
     * token in the file is used within a second. Default: the environment variable
     * QCONFIG_TOKEN_FILE.
     */
    public Builder tokenFile(Path file) {
      this.tokenFile = Objects.requireNonNull(file);
      return this;
    }

    /**
     * Whether to send the token even without TLS, so that everyone on the way to the server can
     * read it. Default: whether the environment variable QCONFIG_ALLOW_UNENCRYPTED_TOKEN is true.
     */
    public Builder allowUnencryptedToken(boolean allow) {
      this.allowUnencryptedToken = allow;
      return this;
    }

    /**
     * The gRPC service config as JSON; empty: one server, no retries. Default: round robin over the
     * healthy servers, and up to four attempts of calls that fail with UNAVAILABLE.
     */
    public Builder serviceConfig(String json) {
      this.serviceConfig = Objects.requireNonNull(json);
      return this;
    }

    /**
     * Does not connect: if the server is unreachable, the first call fails with UNAVAILABLE.
     *
     * @throws IllegalArgumentException if the server is not a valid target, or the service config
     *     is not a JSON object
     */
    public QConfigClient build() {
      return new QConfigClient(this);
    }
  }
}
