// SPDX-License-Identifier: Apache-2.0
package dev.qconfig.conformance;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import dev.qconfig.QConfigClient;
import dev.qconfig.QConfigException;
import dev.qconfig.v1.BatchGetConfigRequest;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.FieldViolation;
import dev.qconfig.v1.Finding;
import dev.qconfig.v1.GetConfigRequest;
import dev.qconfig.v1.GetConfigResponse;
import dev.qconfig.v1.GetSchemeRequest;
import dev.qconfig.v1.GetTemplateRequest;
import dev.qconfig.v1.ListCatalogsRequest;
import dev.qconfig.v1.ListChangesRequest;
import dev.qconfig.v1.ListSchemesRequest;
import dev.qconfig.v1.ListTemplatesRequest;
import dev.qconfig.v1.PlanLayersRequest;
import dev.qconfig.v1.RegisterSchemeRequest;
import dev.qconfig.v1.RegisterTemplateRequest;
import dev.qconfig.v1.SetDefaultCatalogRequest;
import dev.qconfig.v1.UnregisterSchemeRequest;
import dev.qconfig.v1.UnregisterTemplateRequest;
import dev.qconfig.v1.WhoAmIRequest;
import io.grpc.TlsChannelCredentials;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The driver of tests/conformance/clients for the Java client. Reads one operation per line from
 * standard input, as JSON, and writes one JSON object per operation to standard output.
 */
public final class Driver {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  /** A method of the client that takes its request as ProtoJSON. */
  private interface Method<R> {
    R call(QConfigClient client, String request) throws IOException;
  }

  private static final Map<String, Method<MessageOrBuilder>> METHODS =
      Map.ofEntries(
          Map.entry("GetConfig", (client, json) -> client.getConfig(config(json))),
          Map.entry(
              "BatchGetConfig",
              (client, json) ->
                  client.batchGetConfig(parse(json, BatchGetConfigRequest.newBuilder()).build())),
          Map.entry(
              "PlanLayers",
              (client, json) ->
                  client.planLayers(parse(json, PlanLayersRequest.newBuilder()).build())),
          Map.entry("ListTemplates", (client, json) -> client.listTemplates(templates(json))),
          Map.entry(
              "GetTemplate",
              (client, json) ->
                  client.getTemplate(parse(json, GetTemplateRequest.newBuilder()).build())),
          Map.entry("ListSchemes", (client, json) -> client.listSchemes(schemes(json))),
          Map.entry(
              "GetScheme",
              (client, json) ->
                  client.getScheme(parse(json, GetSchemeRequest.newBuilder()).build())),
          Map.entry(
              "ListCatalogs",
              (client, json) ->
                  client.listCatalogs(parse(json, ListCatalogsRequest.newBuilder()).build())),
          Map.entry(
              "WhoAmI",
              (client, json) -> client.whoAmI(parse(json, WhoAmIRequest.newBuilder()).build())),
          Map.entry(
              "RegisterScheme",
              (client, json) ->
                  client.registerScheme(parse(json, RegisterSchemeRequest.newBuilder()).build())),
          Map.entry(
              "UnregisterScheme",
              (client, json) ->
                  client.unregisterScheme(
                      parse(json, UnregisterSchemeRequest.newBuilder()).build())),
          Map.entry(
              "RegisterTemplate",
              (client, json) ->
                  client.registerTemplate(
                      parse(json, RegisterTemplateRequest.newBuilder()).build())),
          Map.entry(
              "UnregisterTemplate",
              (client, json) ->
                  client.unregisterTemplate(
                      parse(json, UnregisterTemplateRequest.newBuilder()).build())),
          Map.entry(
              "SetDefaultCatalog",
              (client, json) ->
                  client.setDefaultCatalog(
                      parse(json, SetDefaultCatalogRequest.newBuilder()).build())),
          Map.entry("ListChanges", (client, json) -> client.listChanges(changes(json))));

  private static final Map<String, Method<Iterable<? extends MessageOrBuilder>>> ITERATORS =
      Map.of(
          "ListTemplates", (client, json) -> client.allTemplates(templates(json)),
          "ListSchemes", (client, json) -> client.allSchemes(schemes(json)),
          "ListChanges", (client, json) -> client.allChanges(changes(json)));

  private QConfigClient client;

  public static void main(String[] arguments) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    Driver driver = new Driver();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(GSON.toJson(driver.runOrFail(line)));
    }
    driver.close();
  }

  private JsonObject runOrFail(String line) {
    try {
      return run(JsonParser.parseString(line).getAsJsonObject());
    } catch (Exception e) { // An invalid line must not stop the driver.
      e.printStackTrace();
      return object("driver_error", GSON.toJsonTree(e.toString()));
    }
  }

  private JsonObject run(JsonObject line) throws Exception {
    String operation = string(line, "op");
    if (operation.equals("connect")) return connect(line);
    if (operation.equals("verify_digest")) {
      GetConfigResponse response =
          parse(string(line, "response"), GetConfigResponse.newBuilder()).build();
      try {
        return object("ok", GSON.toJsonTree(QConfigClient.verifyDigest(response)));
      } catch (IllegalArgumentException e) {
        return object("error", object("message", GSON.toJsonTree(e.getMessage())));
      }
    }
    if (client == null) throw new IllegalStateException("not connected");
    QConfigClient caller = line.has("timeout_s") ? client.withTimeout(seconds(line)) : client;
    return switch (operation) {
      case "call" -> call(caller, line);
      case "all" -> all(caller, line);
      case "parallel" -> parallel(caller, line);
      default -> throw new IllegalArgumentException("unknown operation: " + operation);
    };
  }

  private JsonObject connect(JsonObject line) throws IOException {
    close();
    QConfigClient.Builder builder =
        QConfigClient.builder()
            .server(string(line, "server"))
            .tenant(string(line, "tenant"))
            .catalog(string(line, "catalog"));
    if (line.has("timeout_s")) builder.timeout(seconds(line));
    if (line.has("tls") && line.get("tls").isJsonObject())
      builder.credentials(tls(line.getAsJsonObject("tls")));
    if (line.has("token_file")) builder.tokenFile(Path.of(string(line, "token_file")));
    if (line.has("allow_unencrypted_token")) {
      builder.allowUnencryptedToken(line.get("allow_unencrypted_token").getAsBoolean());
    }
    client = builder.build();
    return object("ok", GSON.toJsonTree(true));
  }

  private void close() {
    if (client != null) client.close();
    client = null;
  }

  private static io.grpc.ChannelCredentials tls(JsonObject files) throws IOException {
    TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
    if (files.has("ca")) credentials.trustManager(new File(string(files, "ca")));
    if (files.has("cert")) {
      credentials.keyManager(new File(string(files, "cert")), new File(string(files, "key")));
    }
    return credentials.build();
  }

  private static JsonObject call(QConfigClient client, JsonObject line) throws IOException {
    try {
      return object("response", json(method(METHODS, line).call(client, string(line, "request"))));
    } catch (QConfigException e) {
      return object("error", json(e));
    }
  }

  private static JsonObject all(QConfigClient client, JsonObject line) throws IOException {
    List<JsonElement> entries = new ArrayList<>();
    try {
      for (MessageOrBuilder entry : method(ITERATORS, line).call(client, string(line, "request"))) {
        entries.add(json(entry));
      }
    } catch (QConfigException e) {
      return object("error", json(e));
    }
    return object("responses", GSON.toJsonTree(entries));
  }

  private static JsonObject parallel(QConfigClient client, JsonObject line)
      throws InterruptedException, ExecutionException {
    int count = line.get("count").getAsInt();
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      List<Future<JsonObject>> calls = new ArrayList<>();
      for (int i = 0; i < count; i++) calls.add(threads.submit(() -> call(client, line)));
      List<JsonElement> responses = new ArrayList<>();
      List<JsonElement> errors = new ArrayList<>();
      for (Future<JsonObject> call : calls) {
        JsonObject outcome = call.get();
        if (outcome.has("response")) {
          responses.add(outcome.get("response"));
        } else {
          errors.add(outcome.get("error"));
        }
      }
      JsonObject answer = object("responses", GSON.toJsonTree(responses));
      answer.add("errors", GSON.toJsonTree(errors));
      return answer;
    } finally {
      threads.shutdown();
    }
  }

  private static JsonElement json(QConfigException e) throws InvalidProtocolBufferException {
    List<JsonElement> findings = new ArrayList<>();
    for (Finding finding : e.findings()) findings.add(json(finding));
    List<Map<String, String>> violations = new ArrayList<>();
    for (FieldViolation violation : e.fieldViolations()) {
      violations.add(
          Map.of("field", violation.getField(), "description", violation.getDescription()));
    }
    String reason =
        e.reason() == ErrorReason.ERROR_REASON_UNSPECIFIED
            ? ""
            : e.reason().name().substring("ERROR_REASON_".length());
    return GSON.toJsonTree(
        Map.ofEntries(
            Map.entry("code", e.code().name()),
            Map.entry("reason", reason),
            Map.entry("message", e.description()),
            Map.entry("field", e.field()),
            Map.entry("value", e.value()),
            Map.entry("allowed", e.allowed()),
            Map.entry("allowed_total", e.allowedTotal()),
            Map.entry("suggestions", e.suggestions()),
            Map.entry("rule", e.rule()),
            Map.entry("required_role", e.requiredRole()),
            Map.entry("retry_after_ms", e.retryAfterMs()),
            Map.entry("tenant", e.tenant()),
            Map.entry("catalog", e.catalog()),
            Map.entry("first_revision", e.firstRevision()),
            Map.entry("newest_revision", e.newestRevision()),
            Map.entry("findings", findings),
            Map.entry("finding_total", e.findingTotal()),
            Map.entry("metadata", e.metadata()),
            Map.entry("field_violations", violations),
            Map.entry("type", e.getClass().getSimpleName())));
  }

  private static JsonElement json(MessageOrBuilder message) throws InvalidProtocolBufferException {
    return JsonParser.parseString(
        JsonFormat.printer()
            .preservingProtoFieldNames()
            .omittingInsignificantWhitespace()
            .print(message));
  }

  private static <B extends Message.Builder> B parse(String json, B builder)
      throws InvalidProtocolBufferException {
    JsonFormat.parser().merge(json, builder);
    return builder;
  }

  private static GetConfigRequest config(String json) throws IOException {
    return parse(json, GetConfigRequest.newBuilder()).build();
  }

  private static ListTemplatesRequest templates(String json) throws IOException {
    return parse(json, ListTemplatesRequest.newBuilder()).build();
  }

  private static ListSchemesRequest schemes(String json) throws IOException {
    return parse(json, ListSchemesRequest.newBuilder()).build();
  }

  private static ListChangesRequest changes(String json) throws IOException {
    return parse(json, ListChangesRequest.newBuilder()).build();
  }

  private static <M> M method(Map<String, M> methods, JsonObject line) {
    M method = methods.get(string(line, "method"));
    if (method == null) throw new IllegalArgumentException("unknown method: " + line.get("method"));
    return method;
  }

  private static Duration seconds(JsonObject line) {
    return Duration.ofNanos((long) (line.get("timeout_s").getAsDouble() * 1e9));
  }

  /** Returns a string as it is, an object as JSON, and "" if the member is absent. */
  private static String string(JsonObject object, String name) {
    JsonElement value = object.get(name);
    if (value == null || value.isJsonNull()) return "";
    return value.isJsonPrimitive() ? value.getAsString() : GSON.toJson(value);
  }

  private static JsonObject object(String name, JsonElement value) {
    JsonObject object = new JsonObject();
    object.add(name, value);
    return object;
  }
}
