// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import com.google.gson.Gson;
import com.google.gson.annotations.SerializedName;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.util.List;
import java.util.Map;

/** Says what a failed connection probably means, in the sentences that all clients share. */
final class ConnectionHints {
  private static final Data DATA =
      new Gson().fromJson(Channels.readResource("connection_hints.json"), Data.class);

  private ConnectionHints() {}

  /** What the hints need to know of a client; {@code cert}: whether it has a certificate. */
  record Endpoint(String server, boolean tls, boolean cert) {
    static Endpoint of(String server, ChannelCredentials credentials) {
      boolean cert =
          credentials instanceof TlsChannelCredentials tls
              && (tls.getCertificateChain() != null || tls.getKeyManagers() != null);
      return new Endpoint(server, !(credentials instanceof InsecureChannelCredentials), cert);
    }
  }

  /** Returns the hint for gRPC's message, in parentheses; empty if nothing is known. */
  static String find(String message, Endpoint endpoint) {
    return DATA.hints.stream()
        .filter(hint -> hint.matches(message, endpoint))
        .findFirst()
        .map(hint -> " (hint: " + withOptions(hint.text) + ")")
        .orElse("");
  }

  private static String withOptions(String text) {
    String filled = text;
    for (Map.Entry<String, String> option : DATA.options.get("java").entrySet()) {
      filled = filled.replace("{" + option.getKey() + "}", option.getValue());
    }
    return filled;
  }

  private static final class Data {
    Map<String, Map<String, String>> options;
    Map<String, List<String>> messages;
    List<Hint> hints;
  }

  /** Applies if all its conditions hold; null is no condition. */
  private static final class Hint {
    @SerializedName("server_begins")
    String serverBegins;

    @SerializedName("server_has_port")
    Boolean serverHasPort;

    Boolean tls;
    Boolean cert;
    String message;
    String text;

    boolean matches(String from, Endpoint endpoint) {
      return (serverBegins == null || endpoint.server().startsWith(serverBegins))
          && (serverHasPort == null || serverHasPort == endpoint.server().contains(":"))
          && (tls == null || tls == endpoint.tls())
          && (cert == null || cert == endpoint.cert())
          && (message == null || DATA.messages.get(message).stream().anyMatch(from::contains));
    }
  }
}
