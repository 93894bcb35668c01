// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Connects again every 0.1 s while calls run and no server can be reached. The library's own waits,
 * which begin with a second and have no setting, would be longer than all tries of a call take.
 * Thread-safe.
 */
final class Reconnector {
  private static final long DELAY_MILLIS = 100;

  private final ManagedChannel channel;
  private final AtomicInteger runningCalls = new AtomicInteger();

  Reconnector(ManagedChannel channel) {
    this.channel = channel;
    watch();
  }

  <T> T during(Supplier<T> call) {
    runningCalls.incrementAndGet();
    try {
      return call.get();
    } finally {
      runningCalls.decrementAndGet();
    }
  }

  private void watch() {
    ConnectivityState state = channel.getState(false);
    if (state == ConnectivityState.TRANSIENT_FAILURE) {
      if (runningCalls.get() > 0) channel.resetConnectBackoff();
      CompletableFuture.delayedExecutor(DELAY_MILLIS, TimeUnit.MILLISECONDS).execute(this::watch);
    } else if (state != ConnectivityState.SHUTDOWN) {
      channel.notifyWhenStateChanged(state, this::watch);
    }
  }
}
