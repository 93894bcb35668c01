// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.reflect.TypeToken;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Opens channels with the settings for a qconfig server. */
final class Channels {
  static final String DEFAULT_SERVICE_CONFIG = readResource("service_config.json");

  private static final int MAX_ANSWER_BYTES = 64 << 20; // the server's limit for a response
  private static final int MAX_RETRIED_BYTES = 8 << 20; // larger requests are not retried
  private static final int MAX_RETRIED_BYTES_OF_ALL_CALLS = 64 << 20;

  private Channels() {}

  static ManagedChannel open(String server, ChannelCredentials credentials, String serviceConfig) {
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(server, credentials)
            .maxInboundMessageSize(MAX_ANSWER_BYTES)
            .enableRetry()
            .perRpcBufferLimit(MAX_RETRIED_BYTES)
            .retryBufferSize(MAX_RETRIED_BYTES_OF_ALL_CALLS)
            .disableServiceConfigLookUp()
            // Pings detect dead connections. gRPC sends them only while calls are in flight, for
            // example the health watch.
            .keepAliveTime(60, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(false);
    if (!serviceConfig.isEmpty()) builder.defaultServiceConfig(parse(serviceConfig));
    return builder.build();
  }

  private static Map<String, ?> parse(String serviceConfig) {
    try {
      Gson gson = new Gson();
      JsonObject object = gson.fromJson(serviceConfig, JsonObject.class);
      return gson.fromJson(object, new TypeToken<Map<String, Object>>() {});
    } catch (JsonParseException e) {
      throw new IllegalArgumentException(
          "the service config is not a JSON object: " + e.getMessage(), e);
    }
  }

  static String readResource(String name) {
    try (InputStream resource = Channels.class.getResourceAsStream(name)) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
