// SPDX-License-Identifier: Apache-2.0
package dev.qconfig.examples;

import dev.qconfig.QConfigClient;
import dev.qconfig.QConfigException;
import dev.qconfig.v1.ConfigSpec;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.GetConfigRequest;
import dev.qconfig.v1.GetConfigResponse;
import dev.qconfig.v1.LayerConfigEntry;

/** Requests a configuration with an override, and then one with an unknown scheme. */
public final class GetConfig {
  public static void main(String[] arguments) {
    String server = arguments.length > 0 ? arguments[0] : "localhost:50051";
    try (QConfigClient client = QConfigClient.builder().server(server).build()) {
      ConfigSpec spec =
          ConfigSpec.newBuilder()
              .setModelType("llama")
              .setScheme("fp8")
              .setKvCacheScheme("fp8")
              .addLayerConfig(LayerConfigEntry.newBuilder().setPattern("*mlp*").setScheme("mxfp4"))
              .build();
      GetConfigResponse response =
          client.getConfig(GetConfigRequest.newBuilder().setSpec(spec).build());
      System.out.println("catalog: " + response.getCatalog());
      System.out.println("digest: " + response.getConfigDigest().substring(0, 12));
      System.out.println("overrides: " + response.getConfig().getLayerQuantConfigCount());

      try {
        ConfigSpec misspelt = spec.toBuilder().setScheme("int4_wo_12").build();
        client.getConfig(GetConfigRequest.newBuilder().setSpec(misspelt).build());
      } catch (QConfigException e) {
        if (e.reason() != ErrorReason.ERROR_REASON_SCHEME_NOT_FOUND) throw e;
        System.out.println(
            "SCHEME_NOT_FOUND: did you mean " + String.join(", ", e.suggestions()) + "?");
      }
    }
  }

  private GetConfig() {}
}
