// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import dev.qconfig.v1.ErrorDetail;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.Finding;
import dev.qconfig.v1.ItemError;
import dev.qconfig.v1.SuggestionKind;
import dev.qconfig.v1.SuggestionReason;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Statuses and values that tests with a real server do not cover. */
class QConfigExceptionTest {
  private static final SuggestionReason REASON =
      SuggestionReason.newBuilder()
          .setKind(SuggestionKind.SUGGESTION_KIND_OTHER_CATALOG)
          .setCatalog("quark-0.13")
          .build();
  private static final ErrorDetail DETAIL =
      ErrorDetail.newBuilder()
          .setField("f")
          .setValue("v")
          .addAllAllowed(List.of("a, b", "c"))
          .setAllowedTotal(12)
          .addSuggestions("a, b")
          .addSuggestionReasons(REASON)
          .setAdvice("Register it.")
          .setRule("r")
          .setRequiredRole("editor")
          .setRetryAfterMs(40)
          .setTenant("t")
          .setCatalog("q")
          .setFirstRevision(3)
          .setNewestRevision(3_630_000_000_000L)
          .addFindings(Finding.newBuilder().setMessage("m"))
          .setFindingTotal(9)
          .build();

  private static final ConnectionHints.Endpoint ENDPOINT =
      ConnectionHints.Endpoint.of("localhost:50051", InsecureChannelCredentials.create());

  private static QConfigException of(Message... details) {
    return QConfigException.of(
        StatusProto.toStatusRuntimeException(
            com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.NOT_FOUND.value())
                .setMessage("text")
                .addAllDetails(Stream.of(details).map(Any::pack).toList())
                .build()),
        ENDPOINT);
  }

  private static void assertHasDetail(QConfigException e) {
    assertEquals("f", e.field());
    assertEquals("v", e.value());
    assertEquals(List.of("a, b", "c"), e.allowed());
    assertEquals(12, e.allowedTotal());
    assertEquals(List.of("a, b"), e.suggestions());
    assertEquals(List.of(REASON), e.suggestionReasons());
    assertEquals("Register it.", e.advice());
    assertEquals("r", e.rule());
    assertEquals("editor", e.requiredRole());
    assertEquals(40, e.retryAfterMs());
    assertEquals("t", e.tenant());
    assertEquals("q", e.catalog());
    assertEquals(3, e.firstRevision());
    assertEquals(3_630_000_000_000L, e.newestRevision());
    assertEquals(DETAIL.getFindingsList(), e.findings());
    assertEquals(9, e.findingTotal());
  }

  @Test
  void callsAndBatchItemsHaveTheDetail() {
    ErrorInfo info = ErrorInfo.newBuilder().setDomain("qconfig.dev").build();
    assertHasDetail(of(info, DETAIL));
    assertHasDetail(QConfigException.of(ItemError.newBuilder().setDetail(DETAIL).build()));
  }

  @Test
  void missingDetailIsEmpty() {
    QConfigException e = of(ErrorInfo.newBuilder().setDomain("qconfig.dev").build());
    assertEquals("", e.field());
    assertEquals(List.of(), e.allowed());
    assertEquals(0, e.newestRevision());
  }

  @Test
  void unknownReasonIsUnspecified() {
    QConfigException e =
        of(
            ErrorInfo.newBuilder()
                .setDomain("qconfig.dev")
                .setReason("NEW")
                .putMetadata("field", "f")
                .build());
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
    assertEquals(Status.Code.NOT_FOUND, e.code());
    assertEquals(Map.of("field", "f"), e.metadata());
    assertEquals("NOT_FOUND: text", e.getMessage());

    QConfigException item =
        QConfigException.of(ItemError.newBuilder().setCode(5).setReasonValue(9999).build());
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, item.reason());
    assertEquals("NOT_FOUND: ", item.getMessage());
  }

  @Test
  void detailsOfAnotherDomainAreIgnored() {
    QConfigException e =
        of(
            ErrorInfo.newBuilder()
                .setDomain("other")
                .setReason("SCHEME_NOT_FOUND")
                .putMetadata("field", "f")
                .build(),
            DETAIL);
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
    assertEquals(Map.of(), e.metadata());
    assertEquals("", e.field());
  }

  @Test
  void malformedDetailsAreIgnored() {
    Metadata trailers = new Metadata();
    trailers.put(
        Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER),
        "malformed".getBytes(StandardCharsets.UTF_8));
    StatusRuntimeException failure =
        Status.NOT_FOUND.withDescription("text").asRuntimeException(trailers);
    QConfigException e = QConfigException.of(failure, ENDPOINT);
    assertEquals(Status.Code.NOT_FOUND, e.code());
    assertEquals("text", e.description());
    assertEquals("NOT_FOUND: text", e.getMessage());
    assertSame(failure, e.getCause());
  }
}
