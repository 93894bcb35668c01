// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qconfig.v1.BatchGetConfigRequest;
import dev.qconfig.v1.BatchGetConfigResult;
import dev.qconfig.v1.ChangeRecord;
import dev.qconfig.v1.ConfigSpec;
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
import dev.qconfig.v1.RegisterSchemeResponse;
import dev.qconfig.v1.RegisterTemplateRequest;
import dev.qconfig.v1.Scheme;
import dev.qconfig.v1.SetDefaultCatalogRequest;
import dev.qconfig.v1.SetDefaultCatalogResponse;
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
      GetConfigRequest.newBuilder()
          .setSpec(ConfigSpec.newBuilder().setModelType("llama").setScheme("fp8"))
          .build();

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

  private static GetConfigRequest llama(String scheme) {
    ConfigSpec spec = LLAMA_FP8.getSpec().toBuilder().setScheme(scheme).build();
    return GetConfigRequest.newBuilder().setSpec(spec).build();
  }

  private static RegisterSchemeRequest scheme(String name, String like) {
    GetSchemeRequest request = GetSchemeRequest.newBuilder().setName(like).build();
    Scheme builtIn = client.getScheme(request).getScheme();
    return RegisterSchemeRequest.newBuilder()
        .setScheme(Scheme.newBuilder().setName(name).setConfig(builtIn.getConfig()))
        .build();
  }

  @Test
  void tenantAndCatalogAreFilledIntoRequestsWithoutThem() {
    try (QConfigClient acme = server.client().tenant("fill-in").catalog("quark-0.13").build()) {
      acme.registerScheme(scheme("mine", "fp8"));
      GetConfigRequest mine = llama("mine");
      assertEquals("quark-0.13", acme.getConfig(mine).getCatalog());
      GetConfigRequest elsewhere =
          mine.toBuilder().setTenant("other").setCatalog("quark-0.12.post1").build();
      QConfigException rejected =
          assertThrows(QConfigException.class, () -> acme.getConfig(elsewhere));
      assertEquals("quark-0.12.post1", rejected.catalog());

      List<BatchGetConfigResult> results =
          acme.batchGetConfig(
                  BatchGetConfigRequest.newBuilder()
                      .addRequests(mine)
                      .addRequests(elsewhere)
                      .build())
              .getResultsList();
      assertEquals("quark-0.13", results.get(0).getResponse().getCatalog());
      QConfigException item = QConfigException.of(results.get(1).getError());
      assertEquals(rejected.getMessage(), item.getMessage());
      assertEquals(rejected.fieldViolations(), item.fieldViolations());
    }
  }

  @Test
  void errorsHaveTheServersDetails() {
    GetConfigRequest request = llama("int4_wo_12");
    QConfigException e = assertThrows(QConfigException.class, () -> client.getConfig(request));
    assertEquals(Status.Code.NOT_FOUND, e.code());
    assertEquals(ErrorReason.ERROR_REASON_SCHEME_NOT_FOUND, e.reason());
    assertEquals("spec.scheme", e.field());
    assertEquals("int4_wo_12", e.value());
    assertEquals(10, e.allowed().size());
    assertEquals(
        client.listSchemes(ListSchemesRequest.getDefaultInstance()).getTotalSize(),
        e.allowedTotal());
    assertEquals(List.of("int4_wo_128", "int4_wo_32", "int4_wo_64"), e.suggestions());
    assertEquals("spec.scheme", e.fieldViolations().get(0).getField());
    assertEquals("SCHEME_NOT_FOUND: " + e.description(), e.getMessage());
  }

  @Test
  void suggestionsMayContainCommas() {
    try (QConfigClient writer = server.client().tenant("commas").build()) {
      writer.registerScheme(scheme("my, own", "fp8"));
      QConfigException e =
          assertThrows(QConfigException.class, () -> writer.getConfig(llama("my own")));
      assertEquals("my, own", e.suggestions().get(0));
    }
  }

  @Test
  void schemesAreReplacedOnlyOnRequest() {
    try (QConfigClient writer = server.client().tenant("replaces").build()) {
      RegisterSchemeResponse first = writer.registerScheme(scheme("mine", "fp8"));
      assertFalse(first.getReplaced());
      RegisterSchemeRequest.Builder second = scheme("mine", "int8").toBuilder();
      QConfigException exists =
          assertThrows(QConfigException.class, () -> writer.registerScheme(second.build()));
      assertEquals(ErrorReason.ERROR_REASON_SCHEME_EXISTS, exists.reason());
      assertTrue(writer.registerScheme(second.setReplace(true).build()).getReplaced());

      RegisterSchemeRequest late = second.setEtag(first.getScheme().getEtag()).build();
      QConfigException mismatch =
          assertThrows(QConfigException.class, () -> writer.registerScheme(late));
      assertEquals(ErrorReason.ERROR_REASON_ETAG_MISMATCH, mismatch.reason());
      assertEquals(Status.Code.ABORTED, mismatch.code());
    }
  }

  @Test
  void setDefaultCatalogUsesOnlyTheCatalogOfTheRequest() {
    try (QConfigClient writer =
            server.client().tenant("default-catalog").catalog("quark-0.13").build();
        QConfigClient reader = server.client().tenant("default-catalog").build()) {
      SetDefaultCatalogRequest unnamed = SetDefaultCatalogRequest.getDefaultInstance();
      QConfigException e =
          assertThrows(QConfigException.class, () -> writer.setDefaultCatalog(unnamed));
      assertEquals(ErrorReason.ERROR_REASON_INVALID_REQUEST, e.reason());
      assertEquals("catalog", e.field());

      SetDefaultCatalogResponse changed =
          writer.setDefaultCatalog(unnamed.toBuilder().setCatalog("quark-0.13").build());
      assertEquals("quark-0.12.post1", changed.getPreviousCatalog());
      assertEquals("quark-0.13", reader.getConfig(LLAMA_FP8).getCatalog());
    }
  }

  @Test
  void writesHaveARandomRequestIdOrTheCallers() {
    try (QConfigClient writer = server.client().tenant("writes").build()) {
      String own = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
      RegisterSchemeRequest write = scheme("a", "fp8").toBuilder().setRequestId(own).build();
      long revision = writer.registerScheme(write).getRevision();
      assertEquals(revision, writer.registerScheme(write).getRevision());
      writer.unregisterScheme(UnregisterSchemeRequest.newBuilder().setName("a").build());
      writer.registerTemplate(
          RegisterTemplateRequest.newBuilder()
              .setLlmTemplate(LlmTemplate.newBuilder().setModelType("m"))
              .build());
      writer.unregisterTemplate(UnregisterTemplateRequest.newBuilder().setModelType("m").build());
      writer.setDefaultCatalog(
          SetDefaultCatalogRequest.newBuilder().setCatalog("quark-0.13").build());

      List<String> ids =
          stream(writer.allChanges(ListChangesRequest.newBuilder().setPageSize(1).build()))
              .map(ChangeRecord::getRequestId)
              .toList();
      assertEquals(5, ids.size());
      assertEquals(own, ids.get(4));
      for (String id : ids.subList(0, 4)) assertEquals(4, UUID.fromString(id).version());
      assertEquals(5, ids.stream().distinct().count());
    }
  }

  @Test
  void iteratorsReadAllPagesEachTime() {
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
  void clientWorksAfterATimeout() {
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
  void closedClientRejectsCalls() {
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
  void invalidSettingsAreRejectedAtOnce() {
    QConfigClient.Builder notDns = QConfigClient.builder().server("ipv4:127.0.0.1:1,127.0.0.1:2");
    assertThrows(IllegalArgumentException.class, notDns::build);
    for (String json : List.of("{", "[]", "1")) {
      QConfigClient.Builder config = QConfigClient.builder().serviceConfig(json);
      assertThrows(IllegalArgumentException.class, config::build, json);
    }
  }
}
