// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * While no server can be reached, connects again after 0.1 s, then less often, up to every 5 s. The
 * library's own second, which no setting changes, would be longer than all tries of a call take.
 */
final class Reconnector {
  private static final long FIRST_DELAY_MILLIS = 100;
  private static final long MAX_DELAY_MILLIS = 5_000;
  private static final double MULTIPLIER = 1.6;

  private final ManagedChannel channel;

  private Reconnector(ManagedChannel channel) {
    this.channel = channel;
  }

  static void start(ManagedChannel channel) {
    new Reconnector(channel).watch();
  }

  private void watch() {
    ConnectivityState state = channel.getState(false);
    if (state == ConnectivityState.TRANSIENT_FAILURE) {
      connectAfter(FIRST_DELAY_MILLIS);
    } else if (state != ConnectivityState.SHUTDOWN) {
      channel.notifyWhenStateChanged(state, this::watch);
    }
  }

  private void connectAfter(long delayMillis) {
    CompletableFuture.delayedExecutor(delayMillis, TimeUnit.MILLISECONDS)
        .execute(
            () -> {
              if (channel.getState(false) != ConnectivityState.TRANSIENT_FAILURE) {
                watch();
              } else {
                channel.resetConnectBackoff();
                connectAfter(Math.min((long) (delayMillis * MULTIPLIER), MAX_DELAY_MILLIS));
              }
            });
  }
}
