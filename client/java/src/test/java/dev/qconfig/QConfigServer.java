// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real qconfigd with in-memory storage. */
final class QConfigServer implements AutoCloseable {
  private static final Path PROGRAMS =
      Path.of(System.getenv().getOrDefault("QCONFIG_BIN", "../../build/release/bin"));
  private static final Pattern LISTENING = Pattern.compile("listening on \\S+ \\(port (\\d+)\\)");

  private static final Pattern ADMIN = Pattern.compile("admin port on \\S+ \\(port (\\d+)\\)");

  final String address;
  private final Process process;
  private final Path log;

  private QConfigServer(String listen, List<String> options) throws Exception {
    log = Files.createTempFile("qconfigd", ".log");
    List<String> command = new ArrayList<>();
    command.add(PROGRAMS.resolve("qconfigd").toString());
    command.addAll(List.of("--listen", listen, "--admin-listen", "127.0.0.1:0"));
    command.addAll(List.of("--storage", "memory"));
    command.addAll(options);
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("QCONFIG_"));
    process = builder.start();
    address = "127.0.0.1:" + waitForPort(LISTENING);
  }

  /** Starts a server on a free port and waits until it listens. */
  static QConfigServer start(String... options) throws Exception {
    return new QConfigServer("127.0.0.1:0", List.of(options));
  }

  static QConfigServer startAt(String address, String... options) throws Exception {
    return new QConfigServer(address, List.of(options));
  }

  /** The address of the admin port. */
  String admin() throws Exception {
    return "127.0.0.1:" + waitForPort(ADMIN);
  }

  private String waitForPort(Pattern line) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (process.isAlive() && System.nanoTime() < deadline) {
      Matcher listening = line.matcher(Files.readString(log));
      if (listening.find()) return listening.group(1);
      process.waitFor(20, TimeUnit.MILLISECONDS);
    }
    process.destroyForcibly();
    throw new IllegalStateException("qconfigd did not start: " + Files.readString(log));
  }

  QConfigClient.Builder client() {
    return QConfigClient.builder().server(address);
  }

  /** Sends SIGTERM. */
  void drain() {
    process.destroy();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  void kill() {
    process.destroyForcibly().onExit().join();
  }

  @Override
  public void close() throws IOException {
    kill();
    Files.delete(log);
  }
}
