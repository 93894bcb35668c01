// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qconfig.v1.BatchGetConfigRequest;
import dev.qconfig.v1.BatchGetConfigResult;
import dev.qconfig.v1.ChangeRecord;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.GetConfigRequest;
import dev.qconfig.v1.GetConfigResponse;
import dev.qconfig.v1.GetSchemeRequest;
import dev.qconfig.v1.GetTemplateRequest;
import dev.qconfig.v1.ListCatalogsRequest;
import dev.qconfig.v1.ListChangesRequest;
import dev.qconfig.v1.ListSchemesRequest;
import dev.qconfig.v1.ListTemplatesRequest;
import dev.qconfig.v1.LlmTemplate;
import dev.qconfig.v1.RegisterSchemeRequest;
import dev.qconfig.v1.RegisterTemplateRequest;
import dev.qconfig.v1.Scheme;
import dev.qconfig.v1.UnregisterSchemeRequest;
import dev.qconfig.v1.UnregisterTemplateRequest;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class QConfigClientTest {
  private static final GetConfigRequest LLAMA_FP8 =
      GetConfigRequest.newBuilder().setModelType("llama").setScheme("fp8").build();

  private static QConfigServer server;
  private static QConfigClient client;

  @BeforeAll
  static void start() throws Exception {
    server = QConfigServer.start();
    client = server.client().build();
  }

  @AfterAll
  static void end() throws Exception {
    client.close();
    server.close();
  }

  private static <E> Stream<E> stream(Iterable<E> entries) {
    return StreamSupport.stream(entries.spliterator(), false);
  }

  private static RegisterSchemeRequest schemeLikeFp8(String name) {
    Scheme fp8 = client.getScheme(GetSchemeRequest.newBuilder().setName("fp8").build()).getScheme();
    return RegisterSchemeRequest.newBuilder()
        .setScheme(Scheme.newBuilder().setName(name).setConfig(fp8.getConfig()))
        .build();
  }

  @Test
  void theClientsTenantAndCatalogAreForRequestsThatNameNone() {
    try (QConfigClient acme = server.client().tenant("fill-in").catalog("quark-0.13").build()) {
      acme.registerScheme(schemeLikeFp8("mine"));
      GetConfigRequest mine = LLAMA_FP8.toBuilder().setScheme("mine").build();
      assertEquals("quark-0.13", acme.getConfig(mine).getCatalog());
      GetConfigRequest elsewhere =
          mine.toBuilder().setTenant("other").setCatalog("quark-0.12.post1").build();
      QConfigException refused =
          assertThrows(QConfigException.class, () -> acme.getConfig(elsewhere));
      assertEquals("other", refused.metadata().getOrDefault("tenant", "other"));
      assertEquals("quark-0.12.post1", refused.metadata().get("catalog"));

      List<BatchGetConfigResult> results =
          acme.batchGetConfig(
                  BatchGetConfigRequest.newBuilder()
                      .addRequests(mine)
                      .addRequests(elsewhere)
                      .build())
              .getResultList();
      assertEquals("quark-0.13", results.get(0).getResponse().getCatalog());
      QConfigException item = QConfigException.of(results.get(1).getError());
      assertEquals(refused.getMessage(), item.getMessage());
      assertEquals(refused.fieldViolations(), item.fieldViolations());
    }
  }

  @Test
  void aRefusalSaysWhatIsWrong() {
    GetConfigRequest request = LLAMA_FP8.toBuilder().setScheme("int4_wo_12").build();
    QConfigException e = assertThrows(QConfigException.class, () -> client.getConfig(request));
    assertEquals(Status.Code.NOT_FOUND, e.code());
    assertEquals(ErrorReason.ERROR_REASON_SCHEME_NOT_FOUND, e.reason());
    assertEquals("scheme", e.field());
    assertEquals("int4_wo_12", e.value());
    assertTrue(e.allowed().startsWith("int4_wo_32, "), e.allowed());
    assertEquals("int4_wo_128, int4_wo_32, int4_wo_64", e.suggestion());
    assertEquals("scheme", e.fieldViolations().get(0).getField());
    assertEquals("SCHEME_NOT_FOUND: " + e.description(), e.getMessage());
  }

  @Test
  void writesAreMadeWithARandomRequestIdOrTheCallers() {
    try (QConfigClient writer = server.client().tenant("writes").build()) {
      String own = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
      RegisterSchemeRequest write = schemeLikeFp8("a").toBuilder().setRequestId(own).build();
      long revision = writer.registerScheme(write).getRevision();
      assertEquals(revision, writer.registerScheme(write).getRevision());
      writer.unregisterScheme(UnregisterSchemeRequest.newBuilder().setName("a").build());
      writer.registerTemplate(
          RegisterTemplateRequest.newBuilder()
              .setLlmTemplate(LlmTemplate.newBuilder().setModelType("m"))
              .build());
      writer.unregisterTemplate(UnregisterTemplateRequest.newBuilder().setModelType("m").build());

      List<String> ids =
          stream(writer.allChanges(ListChangesRequest.newBuilder().setPageSize(1).build()))
              .map(ChangeRecord::getRequestId)
              .toList();
      assertEquals(4, ids.size());
      assertEquals(own, ids.get(3));
      for (String id : ids.subList(0, 3)) assertEquals(4, UUID.fromString(id).version());
      assertEquals(4, ids.stream().distinct().count());
    }
  }

  @Test
  void iteratorsFollowThePagesEachTime() {
    ListSchemesRequest schemes = ListSchemesRequest.newBuilder().setPageSize(10).build();
    assertEquals(10, client.listSchemes(schemes).getSchemesCount());
    Iterable<Scheme> all = client.allSchemes(schemes);
    long total = client.listSchemes(schemes).getTotalSize();
    assertEquals(total, stream(all).map(Scheme::getName).distinct().count());
    assertEquals(total, stream(all).count());

    ListTemplatesRequest templates = ListTemplatesRequest.newBuilder().setPageSize(7).build();
    List<String> names =
        stream(client.allTemplates(templates)).map(LlmTemplate::getModelType).toList();
    assertEquals(client.listTemplates(templates).getTotalSize(), names.size());
    GetTemplateRequest last =
        GetTemplateRequest.newBuilder().setModelType(names.get(names.size() - 1)).build();
    assertEquals(last.getModelType(), client.getTemplate(last).getLlmTemplate().getModelType());

    String second = client.listTemplates(templates).getNextPageToken();
    assertEquals(
        names.subList(7, names.size()),
        stream(client.allTemplates(templates.toBuilder().setPageToken(second).build()))
            .map(LlmTemplate::getModelType)
            .toList());
  }

  @Test
  void digestsAreVerified() {
    GetConfigResponse response =
        client.getConfig(LLAMA_FP8.toBuilder().setIncludeCanonicalJson(true).build());
    assertTrue(QConfigClient.verifyDigest(response));
    assertFalse(
        QConfigClient.verifyDigest(
            response.toBuilder().setCanonicalJson(response.getCanonicalJson() + " ").build()));
    assertThrows(
        IllegalArgumentException.class,
        () -> QConfigClient.verifyDigest(client.getConfig(LLAMA_FP8)));
  }

  @Test
  void aTimeoutEndsACallAndLeavesTheClient() {
    GetConfigRequest waits = LLAMA_FP8.toBuilder().setMinRevision(1000).build();
    QConfigException e =
        assertThrows(
            QConfigException.class,
            () -> client.withTimeout(Duration.ofMillis(300)).getConfig(waits));
    assertTrue(
        e.code() == Status.Code.DEADLINE_EXCEEDED
            || e.reason() == ErrorReason.ERROR_REASON_REVISION_IN_FUTURE,
        e.getMessage());
    client.getConfig(LLAMA_FP8);
  }

  @Test
  void aClosedClientRefusesCalls() {
    QConfigClient closed = server.client().build();
    closed.close();
    QConfigException e =
        assertThrows(
            QConfigException.class,
            () -> closed.listCatalogs(ListCatalogsRequest.getDefaultInstance()));
    assertEquals(Status.Code.UNAVAILABLE, e.code());
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
  }

  @Test
  void wrongSettingsAreRefusedAtOnce() {
    QConfigClient.Builder notDns = QConfigClient.builder().server("ipv4:127.0.0.1:1,127.0.0.1:2");
    assertThrows(IllegalArgumentException.class, notDns::build);
    for (String json : List.of("{", "[]", "1")) {
      QConfigClient.Builder config = QConfigClient.builder().serviceConfig(json);
      assertThrows(IllegalArgumentException.class, config::build, json);
    }
  }
}
