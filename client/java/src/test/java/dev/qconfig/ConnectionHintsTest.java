// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qconfig.v1.ListCatalogsRequest;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConnectionHintsTest {
  private static final ChannelCredentials PLAINTEXT = InsecureChannelCredentials.create();
  private static final String CLOSED = "the server closed the connection";

  @TempDir static Path folder;
  private static QConfigServer mutual;
  private static QConfigServer plain;

  @BeforeAll
  static void start() throws Exception {
    issue("ca", null);
    issue("other-ca", null);
    issue("server", "ca");
    issue("client", "ca");
    issue("stranger", "other-ca");
    mutual =
        QConfigServer.start(
            "--tls-cert", file("server.crt").toString(),
            "--tls-key", file("server.key").toString(),
            "--tls-client-ca", file("ca.crt").toString());
    plain = QConfigServer.start();
  }

  @AfterAll
  static void end() throws Exception {
    mutual.close();
    plain.close();
  }

  private static File file(String name) {
    return folder.resolve(name).toFile();
  }

  /** Creates NAME.crt and NAME.key, signed by the issuer, or an authority. */
  private static void issue(String name, String issuer) throws Exception {
    List<String> command = new ArrayList<>(List.of("openssl", "req", "-x509", "-nodes"));
    command.addAll(List.of("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"));
    command.addAll(List.of("-subj", "/CN=" + name, "-keyout", name + ".key"));
    command.addAll(List.of("-out", name + ".crt"));
    if (issuer != null) {
      command.addAll(List.of("-CA", issuer + ".crt", "-CAkey", issuer + ".key"));
      command.addAll(List.of("-addext", "subjectAltName=IP:127.0.0.1"));
    }
    Process openssl = new ProcessBuilder(command).directory(folder.toFile()).start();
    openssl.getErrorStream().readAllBytes();
    assertEquals(0, openssl.waitFor());
  }

  private static TlsChannelCredentials.Builder trusting(String authority) throws IOException {
    return TlsChannelCredentials.newBuilder().trustManager(file(authority));
  }

  private static void call(String server, ChannelCredentials credentials) {
    try (QConfigClient client =
        QConfigClient.builder().server(server).credentials(credentials).build()) {
      client.listCatalogs(ListCatalogsRequest.getDefaultInstance());
    }
  }

  private static void assertHint(String hint, String server, ChannelCredentials credentials) {
    assertHint(hint, "", server, credentials);
  }

  /** The hint begins with the first text and contains the second. */
  private static void assertHint(
      String hint, String part, String server, ChannelCredentials credentials) {
    QConfigException e =
        assertThrows(QConfigException.class, () -> call(server, credentials), hint);
    assertEquals(Status.Code.UNAVAILABLE, e.code());
    assertTrue(e.getMessage().contains(" (hint: " + hint), e.getMessage());
    assertTrue(e.getMessage().contains(part), e.getMessage());
    assertEquals("UNAVAILABLE: " + e.description(), e.getMessage());
  }

  @Test
  void mistakesWithMutualTls() throws Exception {
    call(
        mutual.address,
        trusting("ca.crt").keyManager(file("client.crt"), file("client.key")).build());
    assertHint(
        CLOSED,
        "it requires a client certificate, set TlsChannelCredentials.Builder.keyManager",
        mutual.address,
        trusting("ca.crt").build());
    assertHint(
        CLOSED,
        "it may not trust the authority that issued the certificate in ",
        mutual.address,
        trusting("ca.crt").keyManager(file("stranger.crt"), file("stranger.key")).build());
    String untrusted = "the client does not trust the authority that issued the server's certif";
    assertHint(untrusted, mutual.address, trusting("other-ca.crt").build());
    assertHint(untrusted, mutual.address, TlsChannelCredentials.create());
    assertHint(
        "the server's certificate is for another host name",
        mutual.address.replace("127.0.0.1", "localhost"),
        trusting("ca.crt").build());
    assertHint(
        "the server closed the connection; if it uses TLS, set credentials(",
        mutual.address,
        PLAINTEXT);
  }

  @Test
  void mistakesWithoutTls() throws Exception {
    ChannelCredentials tls = trusting("ca.crt").build();
    assertHint("the server does not use TLS on this port", plain.address, tls);
    assertHint("the server does not use TLS on this port", plain.admin(), tls);
    assertHint("the server speaks HTTP/1 on this port, as the admin p", plain.admin(), PLAINTEXT);
  }

  @Test
  void mistakesInTheAddress() throws Exception {
    String unused;
    try (ServerSocket socket = new ServerSocket(0)) {
      unused = "127.0.0.1:" + socket.getLocalPort();
    }
    assertHint("no server listens on this address", unused, PLAINTEXT);
    assertHint("the server has no port; set host:port", "127.0.0.1", PLAINTEXT);
    assertHint("the name of the host cannot be resolved", "no-such-host.invalid:1", PLAINTEXT);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> call("https://" + plain.address, PLAINTEXT));
    assertTrue(
        e.getMessage().contains("(hint: the server is host:port, not a URL; leave out https://"),
        e.getMessage());
  }
}
