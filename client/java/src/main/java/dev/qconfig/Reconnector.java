// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Reconnects while calls are in flight: if no server is reachable, at the start of each call and
 * every 0.1 s, and otherwise at least about every 5 s to lost servers. grpc-java's own backoff,
 * from one second to two minutes, cannot be configured. Thread-safe.
 */
final class Reconnector {
  private static final double TICK_MILLIS = 100;
  private static final double MAX_DELAY_MILLIS = 5000;
  private static final double GROWTH = 1.6;

  private final ManagedChannel channel;
  private final AtomicInteger runningCalls = new AtomicInteger();
  private final AtomicBoolean calledSinceTick = new AtomicBoolean();
  private final AtomicBoolean ticking = new AtomicBoolean();

  Reconnector(ManagedChannel channel) {
    this.channel = channel;
  }

  <T> T during(Supplier<T> call) {
    runningCalls.incrementAndGet();
    calledSinceTick.set(true);
    startTicking();
    if (lostAll()) channel.resetConnectBackoff();
    try {
      return call.get();
    } finally {
      runningCalls.decrementAndGet();
    }
  }

  private boolean lostAll() {
    return channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE;
  }

  private void startTicking() {
    if (ticking.compareAndSet(false, true)) tickAfter(TICK_MILLIS, TICK_MILLIS);
  }

  private void tickAfter(double waitedMillis, double delayMillis) {
    double millis = TICK_MILLIS * ThreadLocalRandom.current().nextDouble(0.8, 1.2);
    CompletableFuture.delayedExecutor((long) millis, TimeUnit.MILLISECONDS, Runnable::run)
        .execute(() -> tick(waitedMillis + millis, delayMillis));
  }

  private void tick(double waitedMillis, double delayMillis) {
    if (calledSinceTick.getAndSet(false) || runningCalls.get() > 0) {
      if (lostAll()) {
        channel.resetConnectBackoff(); // Does not affect connections that exist or are being made.
        tickAfter(0, TICK_MILLIS);
      } else if (waitedMillis >= delayMillis) {
        channel.resetConnectBackoff();
        tickAfter(0, Math.min(delayMillis * GROWTH, MAX_DELAY_MILLIS));
      } else {
        tickAfter(waitedMillis, delayMillis);
      }
      return;
    }
    ticking.set(false);
    if (calledSinceTick.get()) startTicking(); // A call started meanwhile, without ticking.
  }
}
