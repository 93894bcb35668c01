// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.FieldViolation;
import dev.qconfig.v1.ItemError;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A call, or one item of a batch, that failed. {@link #reason} is for programs, {@link #getMessage}
 * for people. Strings that do not apply are empty.
 */
public final class QConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final String DOMAIN = "qconfig";
  private static final String REASON_PREFIX = "ERROR_REASON_";

  private final ItemError error;

  private QConfigException(ItemError error, Throwable cause) {
    super(describe(error), cause);
    this.error = error;
  }

  /** The failure of one item of a batch. */
  public static QConfigException of(ItemError error) {
    return new QConfigException(error, null);
  }

  static QConfigException of(StatusRuntimeException failure) {
    Status status = failure.getStatus();
    Status.Code code = isUnwritten(status) ? Status.Code.UNAVAILABLE : status.getCode();
    ItemError.Builder error = ItemError.newBuilder().setCode(code.value());
    error.setMessage(
        Stream.of(status.getDescription(), message(status.getCause()))
            .filter(Objects::nonNull)
            .collect(Collectors.joining(": ")));
    try {
      com.google.rpc.Status details = StatusProto.fromThrowable(failure);
      if (details != null) {
        for (Any detail : details.getDetailsList()) copy(detail, error);
      }
    } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
      failure.addSuppressed(e); // Details that cannot be read are as good as none.
    }
    return new QConfigException(error.build(), failure);
  }

  /**
   * Whether the connection went before the request was written, for which the library says UNKNOWN.
   */
  static boolean isUnwritten(Status status) {
    return status.getCode() == Status.Code.UNKNOWN
        && status.getCause() instanceof ClosedChannelException;
  }

  private static String message(Throwable cause) {
    return cause == null ? null : cause.getMessage();
  }

  private static void copy(Any detail, ItemError.Builder error)
      throws InvalidProtocolBufferException {
    if (detail.is(ErrorInfo.class)) {
      ErrorInfo info = detail.unpack(ErrorInfo.class);
      if (!info.getDomain().equals(DOMAIN)) return;
      error.setReason(parseReason(info.getReason())).putAllMetadata(info.getMetadataMap());
    } else if (detail.is(BadRequest.class)) {
      for (BadRequest.FieldViolation violation :
          detail.unpack(BadRequest.class).getFieldViolationsList()) {
        error.addFieldViolations(
            FieldViolation.newBuilder()
                .setField(violation.getField())
                .setDescription(violation.getDescription()));
      }
    }
  }

  private static ErrorReason parseReason(String name) {
    try {
      return ErrorReason.valueOf(REASON_PREFIX + name);
    } catch (IllegalArgumentException e) {
      return ErrorReason.ERROR_REASON_UNSPECIFIED; // of a newer server
    }
  }

  /** The server's text, of which {@link #getMessage} makes one with the reason and the metadata. */
  public String description() {
    return error.getMessage();
  }

  /**
   * gRPC's code. UNAVAILABLE also when the connection went before the request was written, for
   * which the cause, gRPC's exception, says UNKNOWN.
   */
  public Status.Code code() {
    return Status.fromCodeValue(error.getCode()).getCode();
  }

  /**
   * UNSPECIFIED when the failure is not the server's word, such as a connection's, or is of a newer
   * server.
   */
  public ErrorReason reason() {
    return error.getReason() == ErrorReason.UNRECOGNIZED
        ? ErrorReason.ERROR_REASON_UNSPECIFIED
        : error.getReason();
  }

  /** The path of the request's field that is wrong, such as {@code layer_config[3].scheme}. */
  public String field() {
    return metadata().getOrDefault("field", "");
  }

  /** The field's value. */
  public String value() {
    return metadata().getOrDefault("value", "");
  }

  /** What the field may be. */
  public String allowed() {
    return metadata().getOrDefault("allowed", "");
  }

  /** The names that were probably meant. */
  public String suggestion() {
    return metadata().getOrDefault("suggestion", "");
  }

  /** All that the server tells; error.proto has the keys. */
  public Map<String, String> metadata() {
    return error.getMetadataMap();
  }

  /** Each field of the request that is wrong, with a sentence. */
  public List<FieldViolation> fieldViolations() {
    return error.getFieldViolationsList();
  }

  private static String describe(ItemError error) {
    ErrorReason reason = error.getReason();
    String name =
        reason == ErrorReason.ERROR_REASON_UNSPECIFIED || reason == ErrorReason.UNRECOGNIZED
            ? Status.fromCodeValue(error.getCode()).getCode().name()
            : reason.name().substring(REASON_PREFIX.length());
    return name + ": " + error.getMessage();
  }
}
