// SPDX-License-Identifier: Apache-2.0
package dev.qconfig;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.StatusOr;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.stream.Stream;

/**
 * Targets such as {@code ipv4:10.0.0.1:50051,10.0.0.2:50051} and {@code ipv6:[2001:db8::1]:50051},
 * which gRPC has in C++ and in Go's and Python's form, but not in Java. With TLS, the servers'
 * certificates must be for the first address.
 */
final class AddressListResolverProvider extends NameResolverProvider {
  private final String scheme;

  AddressListResolverProvider(String scheme) {
    this.scheme = scheme;
  }

  @Override
  public String getDefaultScheme() {
    return scheme;
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 4; // Not the one for targets without a scheme, which is DNS with 5.
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    if (!scheme.equals(target.getScheme())) return null;
    String list = target.getSchemeSpecificPart();
    List<EquivalentAddressGroup> addresses =
        Stream.of(list.split(",", -1))
            .map(address -> new EquivalentAddressGroup(parse(address)))
            .toList();
    return new AddressList(list.split(",", -1)[0], addresses);
  }

  private static InetSocketAddress parse(String address) {
    URI uri = URI.create("//" + address);
    if (uri.getHost() == null || uri.getPort() < 0) {
      throw new IllegalArgumentException("not an address and a port: \"" + address + "\"");
    }
    return new InetSocketAddress(uri.getHost(), uri.getPort());
  }

  private static final class AddressList extends NameResolver {
    private final String authority;
    private final List<EquivalentAddressGroup> addresses;

    AddressList(String authority, List<EquivalentAddressGroup> addresses) {
      this.authority = authority;
      this.addresses = addresses;
    }

    @Override
    public String getServiceAuthority() {
      return authority;
    }

    @Override
    public void start(Listener2 listener) {
      listener.onResult(
          ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(addresses)).build());
    }

    @Override
    public void shutdown() {}
  }
}
