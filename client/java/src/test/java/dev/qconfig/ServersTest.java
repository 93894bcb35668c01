// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.GetConfigRequest;
import dev.qconfig.v1.ListCatalogsRequest;
import io.grpc.Status;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several servers, and servers that end, are full or are not there. */
@Timeout(60)
class ServersTest {
  private static final GetConfigRequest LLAMA_FP8 =
      GetConfigRequest.newBuilder().setModelType("llama").setScheme("fp8").build();

  /** The catalogues of the servers that answered some calls, none of which may fail. */
  private static Set<String> catalogsOf(QConfigClient client, int calls) {
    Set<String> catalogs = new TreeSet<>();
    for (int i = 0; i < calls; i++) catalogs.add(client.getConfig(LLAMA_FP8).getCatalog());
    return catalogs;
  }

  private static void callUntilCatalogsAre(Set<String> wanted, QConfigClient client, int calls) {
    Set<String> catalogs;
    do {
      catalogs = catalogsOf(client, calls);
    } while (!catalogs.equals(wanted));
  }

  @Test
  void callsGoInTurnsToTheServersThatAreHealthyAndNoneFailsWhenOneEnds() throws Exception {
    try (QConfigServer first = QConfigServer.start("--shutdown-delay-seconds", "20");
        QConfigServer second = QConfigServer.start("--default-catalog", "quark-0.13");
        QConfigClient client =
            QConfigClient.builder()
                .server("ipv4:" + first.address + "," + second.address)
                .build()) {
      Set<String> both = Set.of("quark-0.12.post1", "quark-0.13");
      callUntilCatalogsAre(both, client, 2); // until both are connected
      for (int i = 0; i < 50; i++) assertEquals(both, catalogsOf(client, 2));

      first.drain();
      callUntilCatalogsAre(Set.of("quark-0.13"), client, 100);
      assertTrue(first.isAlive(), "calls go elsewhere while the server would still take them");
      first.kill();
      assertEquals(Set.of("quark-0.13"), catalogsOf(client, 100));
    }
  }

  @Test
  void noCallFailsWhenOneOfTwoServersDies() throws Exception {
    try (QConfigServer first = QConfigServer.start();
        QConfigServer second = QConfigServer.start();
        QConfigClient client =
            QConfigClient.builder()
                .server("ipv4:" + first.address + "," + second.address)
                .build()) {
      CompletableFuture<Void> calls = CompletableFuture.runAsync(() -> catalogsOf(client, 2000));
      first.kill();
      calls.get();
    }
  }

  @Test
  void aServerThatStartsAgainAnswers() throws Exception {
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
  void aCallThatIsRefusedByAFullServerIsTriedAgain() throws Exception {
    try (QConfigServer server = QConfigServer.start("--max-in-flight", "1");
        QConfigClient client = server.client().build();
        QConfigClient once = server.client().serviceConfig("").build()) {
      QConfigClient briefly = client.withTimeout(Duration.ofSeconds(1));
      client.getConfig(LLAMA_FP8);
      GetConfigRequest waits = LLAMA_FP8.toBuilder().setMinRevision(1000).build();
      CompletableFuture<QConfigException> waiting =
          CompletableFuture.supplyAsync(
              () -> assertThrows(QConfigException.class, () -> briefly.getConfig(waits)));
      while (true) { // until that call is running
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
  void aServerThatIsNotThereIsUnavailableAndSoonFoundWhenItComes() throws Exception {
    try (ServerSocket closes = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        QConfigClient client =
            QConfigClient.builder().server("127.0.0.1:" + closes.getLocalPort()).build()) {
      CompletableFuture<Long> fifthConnection =
          CompletableFuture.supplyAsync(
              () -> {
                long start = System.nanoTime();
                for (int i = 0; i < 5; i++) accept(closes);
                return System.nanoTime() - start;
              });
      QConfigException e = assertThrows(QConfigException.class, () -> client.getConfig(LLAMA_FP8));
      assertEquals(Status.Code.UNAVAILABLE, e.code());
      assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, e.reason());
      Duration elapsed = Duration.ofNanos(fifthConnection.get());
      assertTrue(elapsed.compareTo(Duration.ofSeconds(4)) < 0, elapsed.toString());
    }
  }

  private static void accept(ServerSocket socket) {
    try {
      socket.accept().close();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
