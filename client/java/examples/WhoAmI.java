// SPDX-License-Identifier: Apache-2.0
package dev.qconfig.examples;

import dev.qconfig.QConfigClient;
import dev.qconfig.v1.RoleGrant;
import dev.qconfig.v1.WhoAmIRequest;
import dev.qconfig.v1.WhoAmIResponse;
import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;

/** Prints what the owner of a token may do. */
public final class WhoAmI {
  public static void main(String[] arguments) throws IOException {
    ChannelCredentials tls =
        TlsChannelCredentials.newBuilder().trustManager(new File("ca.crt")).build();
    QConfigClient.Builder builder =
        QConfigClient.builder()
            .server("qconfig.example.com:50051")
            .credentials(tls)
            .tokenFile(Path.of("token"));
    try (QConfigClient client = builder.build()) {
      WhoAmIResponse me = client.whoAmI(WhoAmIRequest.getDefaultInstance());
      for (RoleGrant grant : me.getGrantsList()) {
        System.out.println(
            me.getPrincipal() + " " + grant.getRole() + " " + grant.getTenantsList());
      }
    }
  }

  private WhoAmI() {}
}
