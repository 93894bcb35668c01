// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import io.grpc.ChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.shaded.io.grpc.netty.InternalNettyChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandler;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelOutboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelPromise;
import io.grpc.netty.shaded.io.netty.util.AsciiString;
import java.util.concurrent.atomic.AtomicInteger;

/** Plaintext connections that can close just before a call is written. */
final class ClosingConnections implements InternalProtocolNegotiator.ProtocolNegotiator {
  private static final int FRAME_TYPE_AT = 3;
  private static final byte HEADERS = 1;

  private final InternalProtocolNegotiator.ProtocolNegotiator plaintext =
      InternalProtocolNegotiators.plaintext();
  private final AtomicInteger left = new AtomicInteger();

  ChannelCredentials credentials() {
    return InternalNettyChannelCredentials.create(
        new InternalProtocolNegotiator.ClientFactory() {
          @Override
          public InternalProtocolNegotiator.ProtocolNegotiator newNegotiator() {
            return ClosingConnections.this;
          }

          @Override
          public int getDefaultPort() {
            return 80;
          }
        });
  }

  /** Closes the connection before each of the next {@code count} calls is written. */
  void closeBeforeCalls(int count) {
    left.set(count);
  }

  /** The number of these calls that have not been made yet. */
  int left() {
    return left.get();
  }

  @Override
  public AsciiString scheme() {
    return plaintext.scheme();
  }

  @Override
  public ChannelHandler newHandler(GrpcHttp2ConnectionHandler handler) {
    return new ChannelInboundHandlerAdapter() {
      @Override
      public void handlerAdded(ChannelHandlerContext context) {
        context.pipeline().addFirst(new Closer());
        context.pipeline().replace(this, null, plaintext.newHandler(handler));
      }
    };
  }

  @Override
  public void close() {
    plaintext.close();
  }

  private final class Closer extends ChannelOutboundHandlerAdapter {
    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise)
        throws Exception {
      boolean begins =
          message instanceof ByteBuf bytes
              && bytes.readableBytes() > FRAME_TYPE_AT
              && bytes.getByte(bytes.readerIndex() + FRAME_TYPE_AT) == HEADERS;
      if (begins && left.getAndUpdate(count -> Math.max(count - 1, 0)) > 0) {
        close(context, context.newPromise());
      }
      super.write(context, message, promise);
    }
  }
}
