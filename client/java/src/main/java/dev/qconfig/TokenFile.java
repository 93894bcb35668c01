// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A file with a token that may be replaced at any time. Thread-safe. Exceptions name the file, and
 * never have a part of the token.
 */
final class TokenFile {
  /** gRPC rejects calls with more than 8 KiB of metadata before the server sees them. */
  private static final int MAX_TOKEN_BYTES = 7 << 10;

  private static final long MAX_AGE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /**
   * Matches a text that probably has a token, as in "Bearer TOKEN", and is not the name of a file:
   * one of new-token, or a JSON Web Token. What follows a slash is a file.
   */
  private static final Pattern TOKEN =
      Pattern.compile("(^|[^/])(qct_|eyJ.*\\..*\\.)", Pattern.DOTALL);

  /** The file cannot be used. */
  static final class InvalidException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private record Reading(String token, long nanos) {}

  final Path path;
  private volatile Reading last; // null: none

  TokenFile(Path path) {
    this.path = path;
  }

  /**
   * Returns the token, read at most one second before {@code now}, in nanoseconds. Does not keep an
   * exception.
   */
  String read(long now) throws InvalidException {
    Reading known = last;
    if (known != null && now - known.nanos >= 0 && now - known.nanos < MAX_AGE_NANOS) {
      return known.token;
    }
    String token = readToken(path);
    last = new Reading(token, now);
    return token;
  }

  /** Returns the token in the file, without whitespace at its end. */
  static String readToken(Path path) throws InvalidException {
    String token;
    try {
      token = readSmallFile(path).replaceAll("\\s+\\z", "");
    } catch (IOException e) {
      if (TOKEN.matcher(path.toString()).find()) {
        throw new InvalidException(
            "the token file is a token; write the token to a file, and name that file", null);
      }
      throw new InvalidException("token file " + path + ": " + describe(e), e);
    }
    String problem = findProblem(token);
    if (problem.isEmpty()) return token;
    throw new InvalidException("token file " + path + ": " + problem, null);
  }

  private static String readSmallFile(Path path) throws IOException {
    // Opening a pipe would block.
    if (!Files.readAttributes(path, BasicFileAttributes.class).isRegularFile()) {
      throw new IOException("is not a regular file");
    }
    try (InputStream file = Files.newInputStream(path)) {
      byte[] bytes = file.readNBytes(MAX_TOKEN_BYTES + 1);
      if (bytes.length > MAX_TOKEN_BYTES) {
        throw new IOException("has more than " + MAX_TOKEN_BYTES + " bytes");
      }
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }
  }

  private static String describe(IOException e) {
    if (e instanceof NoSuchFileException) return "cannot be opened: no such file or directory";
    if (e instanceof AccessDeniedException) return "cannot be opened: permission denied";
    return e.getMessage();
  }

  /** Returns what metadata cannot have; empty if nothing is wrong. */
  private static String findProblem(String token) {
    if (token.isEmpty()) return "is empty; write the token to it";
    if (token.contains("\n") || token.contains("\r")) {
      return "has several lines; it must have only the token, in one line";
    }
    if (token.contains(" ") || token.contains("\t")) {
      return "has a space; it must have only the token, without \"Bearer\" before it";
    }
    return token.chars().allMatch(c -> c > ' ' && c <= '~')
        ? ""
        : "has a character that is not printable ASCII, such as a byte order mark; it must have"
            + " only the token";
  }
}
