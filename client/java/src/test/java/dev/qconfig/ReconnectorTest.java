// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.qconfig.v1.ConfigServiceGrpc;
import dev.qconfig.v1.ListCatalogsRequest;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ReconnectorTest {
  @Test
  @Timeout(60)
  void nothingHoldsItWhenNoCallRuns() throws Exception {
    String nowhere;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nowhere = "127.0.0.1:" + socket.getLocalPort();
    }
    ManagedChannel channel =
        Channels.open(
            nowhere, InsecureChannelCredentials.create(), Channels.DEFAULT_SERVICE_CONFIG);
    try {
      WeakReference<Reconnector> forgotten = new WeakReference<>(failOnce(channel));
      while (forgotten.get() != null) {
        System.gc();
        Thread.sleep(20);
      }
    } finally {
      channel.shutdownNow();
    }
  }

  private static Reconnector failOnce(ManagedChannel channel) {
    Reconnector reconnector = new Reconnector(channel);
    assertThrows(
        StatusRuntimeException.class,
        () ->
            reconnector.during(
                () ->
                    ConfigServiceGrpc.newBlockingStub(channel)
                        .listCatalogs(ListCatalogsRequest.getDefaultInstance())));
    return reconnector;
  }
}
