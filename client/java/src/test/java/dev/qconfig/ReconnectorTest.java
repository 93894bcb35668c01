// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qconfig.v1.ConfigServiceGrpc;
import dev.qconfig.v1.ListCatalogsRequest;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ReconnectorTest {
  @Test
  @Timeout(60)
  void isGarbageCollectedWhenNoCallIsInFlight() throws Exception {
    String nowhere;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nowhere = "127.0.0.1:" + socket.getLocalPort();
    }
    ManagedChannel channel =
        Channels.open(
            nowhere, InsecureChannelCredentials.create(), Channels.DEFAULT_SERVICE_CONFIG);
    try {
      WeakReference<Reconnector> forgotten = new WeakReference<>(failOnce(channel));
      while (forgotten.get() != null) {
        System.gc();
        Thread.sleep(20);
      }
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  @Timeout(60)
  void reconnectsAfterAShortCall() throws Exception {
    CountDownLatch reconnected = new CountDownLatch(1);
    new Reconnector(new FakeChannel(ConnectivityState.READY, reconnected)).during(() -> "done");
    assertTrue(reconnected.await(30, TimeUnit.SECONDS));
  }

  @Test
  void reconnectsAtOnceIfNoServerIsReachable() {
    CountDownLatch reconnected = new CountDownLatch(1);
    FakeChannel channel = new FakeChannel(ConnectivityState.TRANSIENT_FAILURE, reconnected);
    assertEquals(0, new Reconnector(channel).during(reconnected::getCount));
  }

  private static Reconnector failOnce(ManagedChannel channel) {
    Reconnector reconnector = new Reconnector(channel);
    assertThrows(
        StatusRuntimeException.class,
        () ->
            reconnector.during(
                () ->
                    ConfigServiceGrpc.newBlockingStub(channel)
                        .listCatalogs(ListCatalogsRequest.getDefaultInstance())));
    return reconnector;
  }

  private static final class FakeChannel extends ManagedChannel {
    private final ConnectivityState state;
    private final CountDownLatch reconnected;

    FakeChannel(ConnectivityState state, CountDownLatch reconnected) {
      this.state = state;
      this.reconnected = reconnected;
    }

    @Override
    public void resetConnectBackoff() {
      reconnected.countDown();
    }

    @Override
    public ConnectivityState getState(boolean requestConnection) {
      return state;
    }

    @Override
    public <Q, P> ClientCall<Q, P> newCall(MethodDescriptor<Q, P> method, CallOptions options) {
      throw new UnsupportedOperationException();
    }

    @Override
    public String authority() {
      return "none";
    }

    @Override
    public ManagedChannel shutdown() {
      return this;
    }

    @Override
    public ManagedChannel shutdownNow() {
      return this;
    }

    @Override
    public boolean isShutdown() {
      return false;
    }

    @Override
    public boolean isTerminated() {
      return false;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return false;
    }
  }
}
