// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import dev.qconfig.v1.ErrorDetail;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.FieldViolation;
import dev.qconfig.v1.Finding;
import dev.qconfig.v1.ItemError;
import dev.qconfig.v1.SuggestionReason;
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
 * A failed call or batch item. {@link #reason} is for programs, {@link #getMessage} for people.
 * Strings and lists that do not apply are empty, and numbers are 0.
 */
public final class QConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final String DOMAIN = "qconfig.dev";
  private static final String REASON_PREFIX = "ERROR_REASON_";

  private final ItemError error;

  private QConfigException(ItemError error, Throwable cause) {
    super(describe(error), cause);
    this.error = error;
  }

  /** Converts the error of a failed batch item. */
  public static QConfigException of(ItemError error) {
    return of(error, null);
  }

  static QConfigException of(ItemError error, Throwable cause) {
    return new QConfigException(error, cause);
  }

  /** Converts the failure. The message of a failed connection also says what it means. */
  static QConfigException of(StatusRuntimeException failure, ConnectionHints.Endpoint endpoint) {
    Status status = failure.getStatus();
    boolean unavailable = isUnwritten(status) || isNotHttp2(status);
    Status.Code code = unavailable ? Status.Code.UNAVAILABLE : status.getCode();
    ItemError.Builder error = ItemError.newBuilder().setCode(code.value());
    error.setMessage(
        Stream.of(status.getDescription(), message(status.getCause()))
            .filter(Objects::nonNull)
            .collect(Collectors.joining(": ")));
    boolean hasInfo = false;
    try {
      com.google.rpc.Status details = StatusProto.fromThrowable(failure);
      if (details != null) {
        for (Any detail : details.getDetailsList()) hasInfo |= copy(detail, error);
      }
    } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
      failure.addSuppressed(e); // Ignore malformed details.
    }
    if (!hasInfo) error.clearDetail(); // The error is not from qconfig.
    if (!hasInfo && code == Status.Code.UNAVAILABLE) {
      String causes =
          Stream.iterate(status.getCause(), Objects::nonNull, Throwable::getCause)
              .map(Throwable::toString)
              .collect(Collectors.joining(": ", error.getMessage() + ": ", ""));
      error.setMessage(error.getMessage() + ConnectionHints.find(causes, endpoint));
    }
    return new QConfigException(error.build(), failure);
  }

  /** Whether the connection was lost before the request was written: grpc-java returns UNKNOWN. */
  static boolean isUnwritten(Status status) {
    return status.getCode() == Status.Code.UNKNOWN
        && status.getCause() instanceof ClosedChannelException;
  }

  /** Whether the server does not speak HTTP/2: grpc-java returns INTERNAL. */
  private static boolean isNotHttp2(Status status) {
    return status.getCode() == Status.Code.INTERNAL
        && String.valueOf(message(status.getCause()))
            .contains("First received frame was not SETTINGS");
  }

  private static String message(Throwable cause) {
    return cause == null ? null : cause.getMessage();
  }

  /** Copies the detail to the error. Returns whether it is qconfig's ErrorInfo. */
  private static boolean copy(Any detail, ItemError.Builder error)
      throws InvalidProtocolBufferException {
    if (detail.is(ErrorInfo.class)) {
      ErrorInfo info = detail.unpack(ErrorInfo.class);
      if (!info.getDomain().equals(DOMAIN)) return false;
      error.setReason(parseReason(info.getReason())).putAllMetadata(info.getMetadataMap());
      return true;
    }
    if (detail.is(ErrorDetail.class)) {
      error.setDetail(detail.unpack(ErrorDetail.class));
    } else if (detail.is(BadRequest.class)) {
      for (BadRequest.FieldViolation violation :
          detail.unpack(BadRequest.class).getFieldViolationsList()) {
        error.addFieldViolations(
            FieldViolation.newBuilder()
                .setField(violation.getField())
                .setDescription(violation.getDescription()));
      }
    }
    return false;
  }

  private static ErrorReason parseReason(String name) {
    try {
      return ErrorReason.valueOf(REASON_PREFIX + name);
    } catch (IllegalArgumentException e) {
      return ErrorReason.ERROR_REASON_UNSPECIFIED; // from a newer server
    }
  }

  /** The server's message, without the reason that {@link #getMessage} adds. */
  public String description() {
    return error.getMessage();
  }

  /**
   * The gRPC status code. UNAVAILABLE also if the connection was lost before the request was
   * written, or if the server does not speak HTTP/2; the cause, gRPC's exception, then has the code
   * UNKNOWN or INTERNAL.
   */
  public Status.Code code() {
    return Status.fromCodeValue(error.getCode()).getCode();
  }

  /**
   * UNSPECIFIED if the server sent no reason, for example because the connection failed, or one
   * that this client does not know.
   */
  public ErrorReason reason() {
    return error.getReason() == ErrorReason.UNRECOGNIZED
        ? ErrorReason.ERROR_REASON_UNSPECIFIED
        : error.getReason();
  }

  /** The path of the invalid field, such as {@code spec.layer_config[3].scheme}. */
  public String field() {
    return detail().getField();
  }

  /** The field's value, truncated to 128 characters. */
  public String value() {
    return detail().getValue();
  }

  /** Accepted values, at most 10 of {@link #allowedTotal}. */
  public List<String> allowed() {
    return detail().getAllowedList();
  }

  /** The number of accepted values. */
  public int allowedTotal() {
    return detail().getAllowedTotal();
  }

  /** Similar accepted values, the best match first, at most 3. */
  public List<String> suggestions() {
    return detail().getSuggestionsList();
  }

  /** Why each of {@link #suggestions} is made, in the same order. */
  public List<SuggestionReason> suggestionReasons() {
    return detail().getSuggestionReasonsList();
  }

  /** What the caller can do, in sentences, as at the end of the message. */
  public String advice() {
    return detail().getAdvice();
  }

  /** The rule that a tensor configuration violates, or why a credential is not accepted. */
  public String rule() {
    return detail().getRule();
  }

  /** The role that the caller needs for {@link #tenant}, such as {@code editor}. */
  public String requiredRole() {
    return detail().getRequiredRole();
  }

  /** For {@code RATE_LIMITED}: the time in milliseconds until the call is allowed; otherwise 0. */
  public long retryAfterMs() {
    return detail().getRetryAfterMs();
  }

  /** The tenant that the error is about. */
  public String tenant() {
    return detail().getTenant();
  }

  /** The catalogue that the error is about. */
  public String catalog() {
    return detail().getCatalog();
  }

  /** The oldest available revision of the tenant's registry. */
  public long firstRevision() {
    return detail().getFirstRevision();
  }

  /** The newest revision of the tenant's registry. */
  public long newestRevision() {
    return detail().getNewestRevision();
  }

  /** The first findings for which a plan failed. */
  public List<Finding> findings() {
    return detail().getFindingsList();
  }

  /** The number of all findings for which the plan failed. */
  public long findingTotal() {
    return detail().getFindingTotal();
  }

  private ErrorDetail detail() {
    return error.getDetail();
  }

  /** The metadata of gRPC's {@code ErrorInfo}; error.proto lists the keys. */
  public Map<String, String> metadata() {
    return error.getMetadataMap();
  }

  /** The invalid fields of the request, with descriptions. */
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
