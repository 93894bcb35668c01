// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qconfig.v1.ConfigSpec;
import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.GetConfigRequest;
import dev.qconfig.v1.ListCatalogsRequest;
import io.grpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several servers, and servers that shut down, are overloaded or unreachable. */
@Timeout(60)
class ServersTest {
  private static final GetConfigRequest LLAMA_FP8 =
      GetConfigRequest.newBuilder()
          .setSpec(ConfigSpec.newBuilder().setModelType("llama").setScheme("fp8"))
          .build();

  /** The catalogues of the servers that answered the calls. All calls must succeed. */
  private static Set<String> readCatalogs(QConfigClient client, int calls) {
    Set<String> catalogs = new TreeSet<>();
    for (int i = 0; i < calls; i++) catalogs.add(client.getConfig(LLAMA_FP8).getCatalog());
    return catalogs;
  }

  private static void callUntilCatalogsEqual(Set<String> wanted, QConfigClient client, int calls) {
    Set<String> catalogs;
    do {
      catalogs = readCatalogs(client, calls);
    } while (!catalogs.equals(wanted));
  }

  @Test
  void callsAreBalancedOverHealthyServersAndNoneFailsDuringAShutdown() throws Exception {
    try (QConfigServer first = QConfigServer.start("--shutdown-delay-seconds", "20");
        QConfigServer second = QConfigServer.start("--default-catalog", "quark-0.13");
        QConfigClient client =
            QConfigClient.builder().server(ServerList.of(first.address, second.address)).build()) {
      Set<String> both = Set.of("quark-0.12.post1", "quark-0.13");
      callUntilCatalogsEqual(both, client, 2); // until both are connected
      for (int i = 0; i < 50; i++) assertEquals(both, readCatalogs(client, 2));

      first.drain();
      callUntilCatalogsEqual(Set.of("quark-0.13"), client, 100);
      assertTrue(first.isAlive(), "the server must still accept calls");
      first.kill();
      assertEquals(Set.of("quark-0.13"), readCatalogs(client, 100));
    }
  }

  @Test
  void noCallFailsWhenOneOfTwoServersIsKilled() throws Exception {
    try (QConfigServer first = QConfigServer.start();
        QConfigServer second = QConfigServer.start("--default-catalog", "quark-0.13");
        QConfigClient client =
            QConfigClient.builder().server(ServerList.of(first.address, second.address)).build()) {
      callUntilCatalogsEqual(Set.of("quark-0.12.post1", "quark-0.13"), client, 2);
      ExecutorService threads = Executors.newFixedThreadPool(8);
      try {
        CountDownLatch answered = new CountDownLatch(800);
        List<Future<?>> calls = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++) {
          calls.add(
              threads.submit(
                  () -> {
                    for (int i = 0; i < 300; i++) {
                      client.getConfig(LLAMA_FP8);
                      answered.countDown();
                    }
                  }));
        }
        answered.await();
        first.kill();
        for (Future<?> call : calls) call.get();
      } finally {
        threads.shutdownNow();
      }
      assertEquals(Set.of("quark-0.13"), readCatalogs(client, 100));
    }
  }

  @Test
  void clientReconnectsToARestartedServer() throws Exception {
    try (QConfigServer server = QConfigServer.start();
        QConfigClient client = server.client().build()) {
      client.getConfig(LLAMA_FP8);
      server.kill();
      try (QConfigServer again = QConfigServer.startAt(server.address)) {
        client.getConfig(LLAMA_FP8);
        assertTrue(again.isAlive());
      }
    }
  }

  @Test
  void unwrittenCallIsRetried() throws Exception {
    ClosingConnections connections = new ClosingConnections();
    try (QConfigServer server = QConfigServer.start();
        QConfigClient client = server.client().credentials(connections.credentials()).build()) {
      client.getConfig(LLAMA_FP8);
      connections.closeBeforeCalls(1);
      client.getConfig(LLAMA_FP8);
      assertEquals(0, connections.left());
    }
  }

  @Test
  void unwrittenCallIsUnavailableAfterTheRetry() throws Exception {
    assertUnavailableAfterAttempts(2, "{}");
    assertUnavailableAfterAttempts(1, "");
  }

  private static void assertUnavailableAfterAttempts(int attempts, String serviceConfig)
      throws Exception {
    ClosingConnections connections = new ClosingConnections();
    try (QConfigServer server = QConfigServer.start();
        QConfigClient client =
            server
                .client()
                .credentials(connections.credentials())
                .serviceConfig(serviceConfig)
                .build()) {
      client.getConfig(LLAMA_FP8);
      connections.closeBeforeCalls(10);
      QConfigException e = assertThrows(QConfigException.class, () -> client.getConfig(LLAMA_FP8));
      assertEquals(10 - attempts, connections.left());
      assertEquals(Status.Code.UNAVAILABLE, e.code());
      assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
      assertTrue(e.getMessage().startsWith("UNAVAILABLE: "), e.getMessage());
      assertInstanceOf(ClosedChannelException.class, e.getCause().getCause());

      connections.closeBeforeCalls(0);
      client.getConfig(LLAMA_FP8);
    }
  }

  @Test
  void clientReconnectsToALostServerWhileAnotherServes() throws Exception {
    try (QConfigServer healthy = QConfigServer.start();
        QConfigServer lost = QConfigServer.start("--default-catalog", "quark-0.13");
        QConfigClient client =
            QConfigClient.builder().server(ServerList.of(healthy.address, lost.address)).build()) {
      Set<String> both = Set.of("quark-0.12.post1", "quark-0.13");
      callUntilCatalogsEqual(both, client, 2);
      lost.kill();
      URI address = URI.create("//" + lost.address);
      try (ServerSocket closes =
          new ServerSocket(address.getPort(), 50, InetAddress.getByName(address.getHost()))) {
        // After seven attempts, grpc-java itself would wait half a minute.
        CompletableFuture<Duration> connections = timeOfConnections(7, closes);
        while (!connections.isDone()) {
          assertEquals(Set.of("quark-0.12.post1"), readCatalogs(client, 2));
          Thread.sleep(250); // No call is in flight most of the time.
        }
        connections.get();
      }
      try (QConfigServer again =
          QConfigServer.startAt(lost.address, "--default-catalog", "quark-0.13")) {
        assertTimeoutPreemptively(
            Duration.ofSeconds(15), () -> callUntilCatalogsEqual(both, client, 2));
        assertTrue(again.isAlive());
      }
    }
  }

  @Test
  void overloadIsRetried() throws Exception {
    try (QConfigServer server =
            QConfigServer.start("--max-in-flight", "1", "--answer-cache-bytes", "0");
        QConfigClient client = server.client().build();
        QConfigClient once = server.client().serviceConfig("").build()) {
      // Less than all attempts take.
      QConfigClient briefly = client.withTimeout(Duration.ofMillis(500));
      client.getConfig(LLAMA_FP8);
      once.listCatalogs(ListCatalogsRequest.getDefaultInstance());
      GetConfigRequest waits = LLAMA_FP8.toBuilder().setMinRevision(1000).build();
      CompletableFuture<QConfigException> waiting =
          CompletableFuture.supplyAsync(
              () -> assertThrows(QConfigException.class, () -> briefly.getConfig(waits)));
      while (true) { // until the call is in flight
        Thread.sleep(20); // Otherwise these calls could keep it out of the server's only slot.
        assertFalse(waiting.isDone());
        try {
          once.listCatalogs(ListCatalogsRequest.getDefaultInstance());
        } catch (QConfigException e) {
          assertEquals(ErrorReason.ERROR_REASON_OVERLOADED, e.reason());
          break;
        }
      }
      assertFalse(waiting.isDone());
      client.getConfig(LLAMA_FP8);
      waiting.get();
    }
  }

  @Test
  void unreachableServerIsUnavailableAndReconnectsAreFrequent() throws Exception {
    try (ServerSocket closes = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        QConfigClient client =
            QConfigClient.builder().server("127.0.0.1:" + closes.getLocalPort()).build()) {
      CompletableFuture<Duration> connections = timeOfConnections(5, closes);
      QConfigException e = assertThrows(QConfigException.class, () -> client.getConfig(LLAMA_FP8));
      assertEquals(Status.Code.UNAVAILABLE, e.code());
      assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
      assertTrue(connections.get().compareTo(Duration.ofSeconds(4)) < 0, connections.toString());
    }
  }

  /** Closes each connection, and measures the time. grpc-java itself would take ten seconds. */
  private static CompletableFuture<Duration> timeOfConnections(int count, ServerSocket socket) {
    return CompletableFuture.supplyAsync(
        () -> {
          long start = System.nanoTime();
          for (int i = 0; i < count; i++) accept(socket);
          return Duration.ofNanos(System.nanoTime() - start);
        });
  }

  private static void accept(ServerSocket socket) {
    try {
      socket.accept().close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
