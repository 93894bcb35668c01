// SPDX-License-Identifier: Apache-2.0
package dev.qconfig.examples;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.qconfig.QConfigClient;
import dev.qconfig.v1.LayerSpec;
import dev.qconfig.v1.RegisterSchemeRequest;
import dev.qconfig.v1.RegisterSchemeResponse;
import dev.qconfig.v1.Scheme;
import dev.qconfig.v1.SpecPreset;
import dev.qconfig.v1.TensorSpec;
import dev.qconfig.v1.Warning;

/** Registers a scheme, and then replaces it. */
public final class RegisterScheme {
  public static void main(String[] arguments) {
    String server = arguments.length > 0 ? arguments[0] : "localhost:50051";
    try (QConfigClient client = QConfigClient.builder().server(server).tenant("acme").build()) {
      RegisterSchemeRequest request =
          RegisterSchemeRequest.newBuilder().setScheme(int4(48)).build();
      print(client.registerScheme(request));

      RegisterSchemeRequest replaces =
          RegisterSchemeRequest.newBuilder().setScheme(int4(96)).setReplace(true).build();
      print(client.registerScheme(replaces));
    }
  }

  /** Returns a scheme with int4 weights in groups of this size. */
  private static Scheme int4(int groupSize) {
    Struct fields =
        Struct.newBuilder()
            .putFields("ch_axis", number(-1))
            .putFields("group_size", number(groupSize))
            .build();
    SpecPreset preset =
        SpecPreset.newBuilder().setSpec("Int4PerGroupSpec").setFields(fields).build();
    LayerSpec spec =
        LayerSpec.newBuilder().setWeight(TensorSpec.newBuilder().setPreset(preset)).build();
    return Scheme.newBuilder().setName("my_int4").setSpec(spec).build();
  }

  private static Value number(int number) {
    return Value.newBuilder().setNumberValue(number).build();
  }

  private static void print(RegisterSchemeResponse response) {
    System.out.println(
        "revision " + response.getRevision() + ", replaced: " + response.getReplaced());
    for (Warning warning : response.getWarningsList()) {
      System.out.println("warning: " + warning.getValue() + " " + warning.getMessage());
    }
  }

  private RegisterScheme() {}
}
