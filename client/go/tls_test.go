// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	qconfig "github.com/qconfig/qconfig/client/go"
)

// pair is a certificate and its key, in memory and in files.
type pair struct {
	certificate       *x509.Certificate
	private           *ecdsa.PrivateKey
	certFile, keyFile string
}

// issue creates a certificate for 127.0.0.1 that the issuer signs. Without an issuer, it creates an authority.
func issue(t *testing.T, name string, issuer *pair) *pair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  issuer == nil,
		BasicConstraintsValid: true,
	}
	parent, signer := template, private
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return &pair{certificate, private, write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", key)}
}

func TestTLS(t *testing.T) {
	authority, callers := issue(t, "authority", nil), issue(t, "callers", nil)
	shown, me, stranger := issue(t, "server", authority), issue(t, "me", callers), issue(t, "stranger", authority)
	server := startServer(t, "--tls-cert", shown.certFile, "--tls-key", shown.keyFile, "--tls-client-ca", callers.certFile)

	load := func(ca, cert, key string) *tls.Config {
		t.Helper()
		config, err := qconfig.LoadTLS(ca, cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return config
	}
	for _, test := range []struct {
		name string
		tls  *tls.Config
		hint string // empty: the call succeeds
	}{
		{"mutual trust", load(authority.certFile, me.certFile, me.keyFile), ""},
		{"client without a certificate", load(authority.certFile, "", ""), "it requires a client certificate, set Certificates of Options.TLS"},
		{"client certificate of another authority", load(authority.certFile, stranger.certFile, stranger.keyFile), "it may not trust the authority"},
		{"server certificate of another authority", load(callers.certFile, me.certFile, me.keyFile), "set RootCAs of Options.TLS to the certificate"},
		{"server certificate not trusted by the system", load("", me.certFile, me.keyFile), "the client does not trust the authority"},
		{"no TLS", nil, "the server closed the connection; if it uses TLS, set Options.TLS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := connect(t, qconfig.Options{Server: server.address, TLS: test.tls})
			_, err := client.GetConfig(context.Background(), llama("fp8"))
			if test.hint == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			checkHint(t, err, test.hint)
		})
	}
}

// checkHint checks that a call failed with UNAVAILABLE and this hint.
func checkHint(t *testing.T, err error, hint string) {
	t.Helper()
	var failed *qconfig.Error
	if !errors.As(err, &failed) || failed.Code != codes.Unavailable {
		t.Fatal(err)
	}
	if _, found, _ := strings.Cut(failed.Message, " (hint: "); !strings.Contains(found, hint) {
		t.Errorf("%q has no hint %q", failed.Message, hint)
	}
	if strings.Contains(status.Convert(err).Message(), "hint") {
		t.Error("the status has the hint, too")
	}
}

func TestHints(t *testing.T) {
	authority, server := issue(t, "authority", nil), startServer(t)
	trusting, err := qconfig.LoadTLS(authority.certFile, "", "")
	if err != nil {
		t.Fatal(err)
	}
	other := issue(t, "other", nil)
	elsewhere := startServer(t, "--tls-cert", other.certFile, "--tls-key", other.keyFile)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(elsewhere.address)
	named := trusting.Clone()
	named.RootCAs.AddCert(other.certificate)
	for _, test := range []struct {
		name, server string
		tls          *tls.Config
		hint         string
	}{
		{"server without TLS", server.address, trusting, "the server does not use TLS on this port"},
		{"wrong name", "localhost:" + port, named, "the server's certificate is for another host name"},
		{"no server", nowhere, nil, "no server listens on this address"},
		{"URL", "https://" + server.address, nil, "the server is host:port, not a URL; leave out https://, and set Options.TLS"},
		{"unknown host", "no-such-host.invalid:50051", nil, "the name of the host cannot be resolved"},
		{"no port", "127.0.0.1", nil, "the server has no port; set host:port"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := connect(t, qconfig.Options{Server: test.server, TLS: test.tls})
			_, err := client.GetConfig(context.Background(), llama("fp8"))
			checkHint(t, err, test.hint)
		})
	}
}

func TestLoadTLSErrors(t *testing.T) {
	me := issue(t, "me", nil)
	for _, test := range []struct{ ca, cert, key, want string }{
		{"nowhere.pem", "", "", "nowhere.pem"},
		{me.keyFile, "", "", "contains no PEM certificate"},
		{"", me.certFile, "", "requires both"},
		{"", "", me.keyFile, "requires both"},
		{"", me.keyFile, me.keyFile, me.keyFile},
	} {
		if _, err := qconfig.LoadTLS(test.ca, test.cert, test.key); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v", test, err)
		}
	}
}
