// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // the service config asks for health checks
	"google.golang.org/grpc/keepalive"
)

// Options say which server a [Client] calls, and how. The zero value is good for a server on this machine.
type Options struct {
	// Server is host:port, where the host may stand for several addresses, or any other target that gRPC for Go
	// knows, such as "unix:/run/qconfig.sock". Default: "localhost:50051".
	Server string
	// Tenant goes into requests that name none.
	Tenant string
	// Catalog goes into requests that name none, except SetDefaultCatalog's.
	Catalog string
	// Timeout is of one call with all its tries, when the call's context has no deadline. Default: 10 s.
	Timeout time.Duration
	// TLS is how the server is checked and what the client shows of itself: see [LoadTLS]. An empty one takes the
	// authorities that the system trusts. Default: no TLS.
	TLS *tls.Config
	// ServiceConfig is gRPC's, as JSON. "{}" switches it off: one server, and calls are tried once.
	// Default: [DefaultServiceConfig].
	ServiceConfig string
	// DialOptions come after the client's own, and win: interceptors, resolvers, stats handlers.
	DialOptions []grpc.DialOption
}

// DefaultServiceConfig lets calls go in turns to the servers that are healthy, and tries UNAVAILABLE up to four times.
//
//go:embed service_config.json
var DefaultServiceConfig string

const (
	maxAnswerBytes  = 64 << 20 // what a server's answer may come to
	maxRetriedBytes = 8 << 20  // gRPC's limit of 256 KiB is less than a template may have
)

func (o Options) dialOptions() []grpc.DialOption {
	transport := insecure.NewCredentials()
	if o.TLS != nil {
		transport = credentials.NewTLS(o.TLS)
	}
	// gRPC's first second would be longer than all tries of a call take.
	reconnect := backoff.DefaultConfig
	reconnect.BaseDelay = 100 * time.Millisecond
	reconnect.MaxDelay = 5 * time.Second

	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(cmp.Or(o.ServiceConfig, DefaultServiceConfig)),
		grpc.WithDisableServiceConfig(), // no other one from DNS
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes), grpc.MaxRetryRPCBufferSize(maxRetriedBytes)),
		// Pings find connections that are gone without a word. They are for calls, such as the watch of a server's health.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 60 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 20 * time.Second}),
	}
	return append(options, o.DialOptions...)
}

// LoadTLS reads PEM files: the authorities that servers must have their certificates from, and the certificate and key
// of the client. Empty names: the authorities that the system trusts, and no certificate.
func LoadTLS(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in PEM form", ca)
		}
	}
	if cert != "" || key != "" {
		if cert == "" || key == "" {
			return nil, fmt.Errorf("a client certificate needs both files, of the certificate (%q) and of its key (%q)", cert, key)
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s with key %s: %w", cert, key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
