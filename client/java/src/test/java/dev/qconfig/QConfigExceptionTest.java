// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.ItemError;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What no server of this release sends. */
class QConfigExceptionTest {
  private static QConfigException of(ErrorInfo info) {
    return QConfigException.of(
        StatusProto.toStatusRuntimeException(
            com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.NOT_FOUND.value())
                .setMessage("text")
                .addDetails(Any.pack(info))
                .build()));
  }

  @Test
  void aReasonOfANewerServerIsUnspecified() {
    QConfigException e =
        of(
            ErrorInfo.newBuilder()
                .setDomain("qconfig")
                .setReason("NEW")
                .putMetadata("field", "f")
                .build());
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
    assertEquals(Status.Code.NOT_FOUND, e.code());
    assertEquals("f", e.field());
    assertEquals("", e.suggestion());
    assertEquals("NOT_FOUND: text", e.getMessage());

    QConfigException item =
        QConfigException.of(ItemError.newBuilder().setCode(5).setReasonValue(9999).build());
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, item.reason());
    assertEquals("NOT_FOUND: ", item.getMessage());
  }

  @Test
  void errorInfoOfAnotherDomainIsNotTheServers() {
    QConfigException e =
        of(
            ErrorInfo.newBuilder()
                .setDomain("other")
                .setReason("SCHEME_NOT_FOUND")
                .putMetadata("field", "f")
                .build());
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
    assertEquals(Map.of(), e.metadata());
  }

  @Test
  void detailsThatCannotBeReadAreAsGoodAsNone() {
    Metadata trailers = new Metadata();
    trailers.put(
        Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER),
        "no message".getBytes(StandardCharsets.UTF_8));
    StatusRuntimeException failure =
        Status.NOT_FOUND.withDescription("text").asRuntimeException(trailers);
    QConfigException e = QConfigException.of(failure);
    assertEquals(Status.Code.NOT_FOUND, e.code());
    assertEquals("text", e.description());
    assertEquals("NOT_FOUND: text", e.getMessage());
    assertSame(failure, e.getCause());
  }
}
