// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qconfig.v1.ErrorReason;
import dev.qconfig.v1.ListSchemesRequest;
import dev.qconfig.v1.Role;
import dev.qconfig.v1.UnregisterSchemeRequest;
import dev.qconfig.v1.WhoAmIRequest;
import dev.qconfig.v1.WhoAmIResponse;
import io.grpc.CallCredentials;
import io.grpc.ChannelCredentials;
import io.grpc.CompositeChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Tokens that the client reads from a file and sends to a server with a policy. */
@Timeout(60)
class TokenTest {
  private static final String FARM = "qct_farm-token";
  private static final String NEXT = "qct_next-token";
  private static final long SECOND = 1_000_000_000;

  @TempDir static Path folder;
  private static QConfigServer encrypted;
  private static QConfigServer plain;

  @BeforeAll
  static void start() throws Exception {
    List<String> command =
        List.of(
            ("openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=server"
                    + " -addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.crt")
                .split(" "));
    Process openssl = new ProcessBuilder(command).directory(folder.toFile()).start();
    openssl.getErrorStream().readAllBytes();
    assertEquals(0, openssl.waitFor());
    String policy =
        write(
                "policy.yaml",
                "version: 1\nprincipals:\n" + principal("farm", FARM) + principal("next", NEXT))
            .toString();
    encrypted =
        QConfigServer.start(
            "--auth-policy", policy,
            "--tls-cert", folder.resolve("server.crt").toString(),
            "--tls-key", folder.resolve("server.key").toString());
    plain = QConfigServer.start("--auth-policy", policy);
  }

  @AfterAll
  static void end() throws Exception {
    encrypted.close();
    plain.close();
  }

  private static Path write(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text);
  }

  /** A reader of the tenant with the same name. */
  private static String principal(String name, String token) throws Exception {
    byte[] hash =
        MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    return String.format(
        "  %1$s: {tokens: [{sha256: \"%2$s\"}], default_tenant: %1$s, grants: [{role: reader,"
            + " tenants: [%1$s]}]}%n",
        name, HexFormat.of().formatHex(hash));
  }

  private static ChannelCredentials tls() throws Exception {
    return TlsChannelCredentials.newBuilder()
        .trustManager(folder.resolve("server.crt").toFile())
        .build();
  }

  private static WhoAmIResponse whoAmI(QConfigClient client) {
    return client.whoAmI(WhoAmIRequest.getDefaultInstance());
  }

  private static QConfigException failure(QConfigClient.Builder builder) {
    try (QConfigClient client = builder.build()) {
      return failure(() -> client.listSchemes(ListSchemesRequest.getDefaultInstance()));
    }
  }

  /** The exception of a call, which has no token in its text, nor have its causes. */
  private static QConfigException failure(Executable call) {
    QConfigException e = assertThrows(QConfigException.class, call);
    for (Throwable one = e; one != null; one = one.getCause()) {
      String text = one.toString();
      assertFalse(text.contains(FARM) || text.contains(NEXT), text);
    }
    return e;
  }

  @Test
  void authenticatesCallsOverTls() throws Exception {
    QConfigException missing = failure(encrypted.client().credentials(tls()));
    assertEquals(ErrorReason.ERROR_REASON_CREDENTIALS_MISSING, missing.reason());

    Path file = write("farm", FARM + "\n");
    try (QConfigClient client = encrypted.client().credentials(tls()).tokenFile(file).build()) {
      client.listSchemes(ListSchemesRequest.getDefaultInstance());
      WhoAmIResponse me = whoAmI(client);
      assertTrue(me.getHasPolicy());
      assertEquals("farm", me.getPrincipal());
      assertEquals("farm", me.getDefaultTenant());
      assertEquals(Role.ROLE_READER, me.getGrants(0).getRole());

      UnregisterSchemeRequest write = UnregisterSchemeRequest.newBuilder().setName("mine").build();
      QConfigException denied = failure(() -> client.unregisterScheme(write));
      assertEquals(ErrorReason.ERROR_REASON_PERMISSION_DENIED, denied.reason());
      assertEquals("editor", denied.requiredRole());
      assertEquals("farm", denied.tenant());
    }

    Path unknown = write("unknown", "qct_unknown");
    QConfigException invalid = failure(encrypted.client().credentials(tls()).tokenFile(unknown));
    assertEquals(ErrorReason.ERROR_REASON_CREDENTIALS_INVALID, invalid.reason());
    assertEquals("unknown", invalid.rule());
  }

  @Test
  void newTokenInTheFileIsUsedWithoutANewClient() throws Exception {
    Path file = write("replaced", FARM);
    try (QConfigClient client = encrypted.client().credentials(tls()).tokenFile(file).build()) {
      assertEquals("farm", whoAmI(client).getPrincipal());
      // Moving never leaves an empty file.
      Files.move(write("replacement", NEXT), file, StandardCopyOption.ATOMIC_MOVE);
      while (!whoAmI(client).getPrincipal().equals("next")) Thread.sleep(20);
    }
  }

  @Test
  void isNotSentUnencrypted() throws Exception {
    Path file = write("plain", FARM);
    // Nothing listens there, so a call that tried to connect would fail with UNAVAILABLE.
    for (String server : List.of("127.0.0.1:1", "localhost:1", "qconfig.example.com:50051")) {
      QConfigException e = failure(QConfigClient.builder().server(server).tokenFile(file));
      assertEquals(Status.Code.FAILED_PRECONDITION, e.code());
      assertEquals(refusal(file), e.description());
    }
  }

  @Test
  void tokenInsteadOfAFileIsNotInTheMessage() {
    QConfigException e =
        failure(QConfigClient.builder().server("127.0.0.1:1").tokenFile(Path.of(FARM)));
    assertEquals(Status.Code.FAILED_PRECONDITION, e.code());
    assertTrue(e.description().contains("is a token"), e.description());
  }

  private static String refusal(Path file) {
    return "the token in "
        + file
        + " is not sent over an unencrypted connection; set"
        + " credentials(TlsChannelCredentials.create()), or, if nobody else can read the"
        + " connection, allowUnencryptedToken or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true";
  }

  @Test
  void isNotSentUnencryptedOverOtherCredentials() throws Exception {
    Path file = write("composite", FARM);
    CallCredentials none =
        new CallCredentials() {
          @Override
          public void applyRequestMetadata(
              RequestInfo info, Executor executor, MetadataApplier applier) {
            applier.apply(new Metadata());
          }
        };
    ChannelCredentials wrapped =
        CompositeChannelCredentials.create(InsecureChannelCredentials.create(), none);
    QConfigException e = failure(plain.client().credentials(wrapped).tokenFile(file));
    assertEquals(Status.Code.UNAUTHENTICATED, e.code());
    assertEquals(refusal(file), e.description());
  }

  @Test
  void isSentUnencryptedIfAllowed() throws Exception {
    Path file = write("allowed", FARM);
    try (QConfigClient client =
        plain.client().tokenFile(file).allowUnencryptedToken(true).build()) {
      assertEquals("farm", whoAmI(client).getPrincipal());
    }
  }

  @Test
  void invalidFileFailsTheCallBeforeItIsSent() throws Exception {
    Path file = folder.resolve("later");
    QConfigClient.Builder builder =
        QConfigClient.builder().server("127.0.0.1:1").credentials(tls()).tokenFile(file);
    try (QConfigClient client = builder.build()) {
      QConfigException e = failure(() -> whoAmI(client));
      assertEquals(Status.Code.FAILED_PRECONDITION, e.code());
      assertEquals(
          "token file " + file + ": cannot be opened: no such file or directory", e.description());
      write("later", FARM);
      e = failure(() -> whoAmI(client)); // reads the file again
      assertEquals(Status.Code.UNAVAILABLE, e.code());
    }
  }

  @Test
  void environmentHasTheDefaultsOfTheOptions() {
    assertEquals(Path.of(""), Authentication.fileOf(Map.of()));
    assertEquals(
        Path.of("/run/token"), Authentication.fileOf(Map.of("QCONFIG_TOKEN_FILE", "/run/token")));
    String variable = "QCONFIG_ALLOW_UNENCRYPTED_TOKEN";
    assertTrue(Authentication.allowsUnencrypted(Map.of(variable, "true")));
    for (String value : List.of("false", "", "yes please")) {
      assertFalse(Authentication.allowsUnencrypted(Map.of(variable, value)), value);
    }
    assertFalse(Authentication.allowsUnencrypted(Map.of()));
  }

  @Test
  void fileHasOneLineOfPrintableAscii() throws Exception {
    Map<String, String> problems =
        Map.of(
            "",
            "is empty",
            " \n\n",
            "is empty",
            "secret\nsecret2\n",
            "has several lines",
            "secret\rsecret2",
            "has several lines",
            "Bearer secret",
            "without \"Bearer\"",
            " secret",
            "has a space",
            "\uFEFFsecret",
            "not printable ASCII",
            "secret\u007F",
            "not printable ASCII",
            "secret\0",
            "not printable ASCII",
            "s".repeat(7169),
            "has more than 7168 bytes");
    for (Map.Entry<String, String> invalid : problems.entrySet()) {
      Path file = write("token", invalid.getKey());
      String message = failureOf(file);
      assertTrue(message.startsWith("token file " + file + ": "), message);
      assertTrue(message.contains(invalid.getValue()), message);
      assertFalse(message.contains("secret"), message);
    }
    assertEquals("token file " + folder + ": is not a regular file", failureOf(folder));
    for (String token :
        List.of("qct_secret", "Bearer qct_secret", " qct_secret", "eyJh.e30.secret")) {
      assertEquals(
          "the token file is a token; write the token to a file, and name that file",
          failureOf(Path.of(token)));
    }
    for (String file : List.of("eyJ.txt", "/nowhere/qct_ci")) {
      assertTrue(failureOf(Path.of(file)).startsWith("token file " + file + ": "));
    }
    assertEquals(
        "a.b-c_d~e+f/g==", TokenFile.readToken(write("token", "a.b-c_d~e+f/g== \t\r\n\n")));
    assertEquals(7168, TokenFile.readToken(write("token", "s".repeat(7168))).length());
  }

  private static String failureOf(Path file) {
    return assertThrows(TokenFile.InvalidException.class, () -> TokenFile.readToken(file))
        .getMessage();
  }

  @Test
  void fileIsReadAtMostOnceASecond() throws Exception {
    TokenFile file = new TokenFile(folder.resolve("aging"));
    assertThrows(TokenFile.InvalidException.class, () -> file.read(0));
    write("aging", "one");
    assertEquals("one", file.read(0)); // An exception is not kept.
    write("aging", "two");
    assertEquals("one", file.read(SECOND - 1));
    assertEquals("two", file.read(SECOND));
    Files.delete(file.path);
    assertThrows(TokenFile.InvalidException.class, () -> file.read(2 * SECOND));
  }
}
