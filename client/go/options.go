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
	_ "google.golang.org/grpc/health" // enables the health checks of the service config
	"google.golang.org/grpc/keepalive"
)

// Options configure a [Client]. The zero value is for a local server without TLS.
type Options struct {
	// Server is host:port, where the host may resolve to several addresses, or any other target of gRPC for Go, such as
	// "unix:/run/qconfig.sock". Default: "localhost:50051".
	Server string
	// Tenant is used for requests that do not set one. Default: the caller's default tenant, which a policy can set.
	Tenant string
	// Catalog is used for requests that do not set one, except SetDefaultCatalog's.
	Catalog string
	// Timeout limits a call, including its retries, if its context has no deadline. Default: 10 s.
	Timeout time.Duration
	// TLS has the authorities to trust and the client certificate; see [LoadTLS]. An empty config trusts the system's
	// authorities. Default: no TLS.
	TLS *tls.Config
	// TokenFile is a file with the token that authenticates each call. A new token in the file is used within a second.
	// Default: the environment variable QCONFIG_TOKEN_FILE; without it, calls have no token.
	TokenFile string
	// NoToken sends no token, even if the environment names a file.
	NoToken bool
	// AllowUnencryptedToken sends the token even without TLS, so that everyone on the way to the server can read it. The
	// environment variable QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true also sets it.
	AllowUnencryptedToken bool
	// ServiceConfig is a gRPC service config in JSON. "{}" disables retries and load balancing.
	// Default: [DefaultServiceConfig].
	ServiceConfig string
	// DialOptions are applied after the client's own and override them, for example interceptors and resolvers.
	DialOptions []grpc.DialOption
}

// DefaultServiceConfig balances calls over the healthy servers round robin, and retries UNAVAILABLE with up to four attempts.
//
//go:embed service_config.json
var DefaultServiceConfig string

const (
	maxAnswerBytes  = 64 << 20 // the server's limit for a response
	maxRetriedBytes = 8 << 20  // gRPC's default of 256 KiB is too small for large templates
)

func (o Options) dialOptions() []grpc.DialOption {
	transport := insecure.NewCredentials()
	if o.TLS != nil {
		transport = credentials.NewTLS(o.TLS)
	}
	// gRPC's default of one second is longer than all attempts of a call together.
	reconnect := backoff.DefaultConfig
	reconnect.BaseDelay = 100 * time.Millisecond
	reconnect.MaxDelay = 5 * time.Second

	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(cmp.Or(o.ServiceConfig, DefaultServiceConfig)),
		grpc.WithDisableServiceConfig(), // ignore service configs from DNS
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes), grpc.MaxRetryRPCBufferSize(maxRetriedBytes)),
		// Pings detect dead connections. gRPC sends them only while calls are in flight, such as the health watch.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 60 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 20 * time.Second}),
	}
	return append(options, o.DialOptions...)
}

// token returns the file of the options or of the environment, or nil.
func (o Options) token() *tokenFile {
	path := cmp.Or(o.TokenFile, os.Getenv("QCONFIG_TOKEN_FILE"))
	allowed := o.AllowUnencryptedToken || os.Getenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN") == "true"
	if o.NoToken || path == "" {
		return nil
	}
	return &tokenFile{path: path, encrypted: o.TLS != nil, allowUnencrypted: allowed}
}

// LoadTLS reads PEM files: the certificate authorities to trust, and the client's certificate and key. If ca is empty, the
// client trusts the system's authorities. If cert and key are empty, it has no certificate.
func LoadTLS(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s contains no PEM certificate", ca)
		}
	}
	if cert != "" || key != "" {
		if cert == "" || key == "" {
			return nil, fmt.Errorf("a client certificate requires both a certificate file (%q) and a key file (%q)", cert, key)
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s with key %s: %w", cert, key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
