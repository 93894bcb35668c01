// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Resolves targets of the scheme {@code list} to several addresses, for tests without DNS. It also
 * returns an empty service config, like DNS may.
 */
final class ServerList extends NameResolverProvider {
  static {
    NameResolverRegistry.getDefaultRegistry().register(new ServerList());
  }

  /** The target for the servers at these addresses. */
  static String of(String... addresses) {
    return "list:" + String.join(",", addresses);
  }

  @Override
  public String getDefaultScheme() {
    return "list";
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 4; // Lower than DNS, which has 5 and handles targets without a scheme.
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    if (!"list".equals(target.getScheme())) return null;
    List<EquivalentAddressGroup> addresses =
        Stream.of(target.getSchemeSpecificPart().split(",", -1))
            .map(address -> URI.create("//" + address))
            .map(uri -> new InetSocketAddress(uri.getHost(), uri.getPort()))
            .map(EquivalentAddressGroup::new)
            .toList();
    return new NameResolver() {
      @Override
      public String getServiceAuthority() {
        return "localhost";
      }

      @Override
      public void start(Listener2 listener) {
        listener.onResult(
            ResolutionResult.newBuilder()
                .setAddressesOrError(StatusOr.fromValue(addresses))
                .setServiceConfig(args.getServiceConfigParser().parseServiceConfig(Map.of()))
                .build());
      }

      @Override
      public void shutdown() {}
    };
  }
}
