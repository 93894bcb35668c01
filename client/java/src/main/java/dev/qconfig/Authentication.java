// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import dev.qconfig.v1.ItemError;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executor;

/** Adds the token to calls, but not over unencrypted connections unless that is allowed. */
final class Authentication {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final TokenFile file; // null: no token
  private final boolean encrypted;
  private final boolean allowUnencrypted;

  /**
   * @param file the token file; an empty path: no token
   * @param encrypted whether the connections use TLS, as far as the client knows
   */
  Authentication(Path file, boolean encrypted, boolean allowUnencrypted) {
    this.file = file.toString().isEmpty() ? null : new TokenFile(file);
    this.encrypted = encrypted;
    this.allowUnencrypted = allowUnencrypted;
  }

  /** The token file that the environment names; otherwise an empty path. */
  static Path fileOf(Map<String, String> environment) {
    return Path.of(environment.getOrDefault("QCONFIG_TOKEN_FILE", ""));
  }

  /** Whether the environment allows sending the token over unencrypted connections. */
  static boolean allowsUnencrypted(Map<String, String> environment) {
    return "true".equals(environment.get("QCONFIG_ALLOW_UNENCRYPTED_TOKEN"));
  }

  /**
   * Adds the token to a call that begins now.
   *
   * @throws QConfigException with FAILED_PRECONDITION, before anything is sent. gRPC would replace
   *     this code if the call credentials failed.
   */
  CallOptions addTo(CallOptions options) {
    if (file == null) return options;
    Bearer bearer;
    try { // first, because the path could be a token by mistake
      bearer = new Bearer(file.read(System.nanoTime()));
    } catch (TokenFile.InvalidException e) {
      throw failure(e.getMessage(), e);
    }
    if (!encrypted && !allowUnencrypted) throw failure(refusal(), null);
    return options.withCallCredentials(bearer);
  }

  private String refusal() {
    return "the token in "
        + file.path
        + " is not sent over an unencrypted connection; set"
        + " credentials(TlsChannelCredentials.create()), or, if nobody else can read the"
        + " connection, allowUnencryptedToken or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true";
  }

  private static QConfigException failure(String message, Throwable cause) {
    ItemError.Builder error = ItemError.newBuilder().setMessage(message);
    return QConfigException.of(
        error.setCode(Status.Code.FAILED_PRECONDITION.value()).build(), cause);
  }

  private final class Bearer extends CallCredentials {
    private final String token;

    Bearer(String token) {
      this.token = token;
    }

    @Override
    public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
      // The client does not know all kinds of ChannelCredentials.
      if (!allowUnencrypted && info.getSecurityLevel() != SecurityLevel.PRIVACY_AND_INTEGRITY) {
        applier.fail(Status.UNAUTHENTICATED.withDescription(refusal()));
        return;
      }
      Metadata metadata = new Metadata();
      metadata.put(AUTHORIZATION, "Bearer " + token);
      applier.apply(metadata);
    }
  }
}
