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
 * Connects again while calls are made: at the beginning of each and every 0.1 s when no server can
 * be reached, and about every 5 s at the latest to one that is lost while others serve. The
 * library's own waits, from a second to two minutes, have no setting. Thread-safe.
 */
final class Reconnector {
  private static final double TICK_MILLIS = 100;
  private static final double LAST_DELAY_MILLIS = 5000;
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
        channel.resetConnectBackoff(); // Leaves connections alone that are there or being made.
        tickAfter(0, TICK_MILLIS);
      } else if (waitedMillis >= delayMillis) {
        channel.resetConnectBackoff();
        tickAfter(0, Math.min(delayMillis * GROWTH, LAST_DELAY_MILLIS));
      } else {
        tickAfter(waitedMillis, delayMillis);
      }
      return;
    }
    ticking.set(false);
    if (calledSinceTick.get()) startTicking(); // A call began before that and started nothing.
  }
}
