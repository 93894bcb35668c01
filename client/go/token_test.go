// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

const (
	farmToken = "qct_farm-token"
	nextToken = "qct_next-token"
)

// writeFile writes a file of the test and returns its path.
func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startServerWithPolicy starts a server for readers of the tenants farm and next.
func startServerWithPolicy(t *testing.T, arguments ...string) *server {
	t.Helper()
	policy := "version: 1\nprincipals:\n"
	for name, token := range map[string]string{"farm": farmToken, "next": nextToken} {
		policy += fmt.Sprintf("  %s: {tokens: [{sha256: \"%x\"}], default_tenant: %[1]s, grants: [{role: reader, tenants: [%[1]s]}]}\n",
			name, sha256.Sum256([]byte(token)))
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), policy)
	return startServer(t, append(arguments, "--auth-policy", file)...)
}

// startTLSServerWithPolicy also returns options for it.
func startTLSServerWithPolicy(t *testing.T) qconfig.Options {
	t.Helper()
	authority := issue(t, "authority", nil)
	shown := issue(t, "server", authority)
	server := startServerWithPolicy(t, "--tls-cert", shown.certFile, "--tls-key", shown.keyFile)
	config, err := qconfig.LoadTLS(authority.certFile, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return qconfig.Options{Server: server.address, TLS: config}
}

// failure returns the error of a call, which has no token in its text.
func failure(t *testing.T, err error) *qconfig.Error {
	t.Helper()
	var failed *qconfig.Error
	if !errors.As(err, &failed) {
		t.Fatalf("no error of the client: %v", err)
	}
	if strings.Contains(err.Error(), farmToken) || strings.Contains(err.Error(), nextToken) {
		t.Errorf("the error has a token: %v", err)
	}
	return failed
}

func TestTokenOverTLS(t *testing.T) {
	ctx, options := context.Background(), startTLSServerWithPolicy(t)
	_, err := connect(t, options).GetConfig(ctx, llama("fp8"))
	if failed := failure(t, err); failed.Reason != qconfig.ErrCredentialsMissing || failed.Code != codes.Unauthenticated {
		t.Error(err)
	}

	options.TokenFile = writeFile(t, filepath.Join(t.TempDir(), "token"), farmToken+"\n")
	client := connect(t, options)
	if _, err := client.GetConfig(ctx, llama("fp8")); err != nil {
		t.Error(err)
	}
	me, err := client.WhoAmI(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !me.GetHasPolicy() || me.GetPrincipal() != "farm" || me.GetDefaultTenant() != "farm" ||
		me.GetGrants()[0].GetRole() != v1.Role_ROLE_READER {
		t.Error(me)
	}

	_, err = client.UnregisterScheme(ctx, &v1.UnregisterSchemeRequest{Name: "mine"})
	failed := failure(t, err)
	if !errors.Is(err, qconfig.ErrPermissionDenied) || failed.Code != codes.PermissionDenied || failed.RequiredRole != "editor" ||
		failed.Tenant != "farm" {
		t.Errorf("%+v", failed)
	}

	writeFile(t, options.TokenFile, "qct_unknown")
	_, err = connect(t, options).GetConfig(ctx, llama("fp8"))
	if failed := failure(t, err); failed.Reason != qconfig.ErrCredentialsInvalid || failed.Rule != "unknown" {
		t.Errorf("%+v", failed)
	}
}

func TestNewTokenInTheFileIsUsedWithoutANewClient(t *testing.T) {
	ctx, options := context.Background(), startTLSServerWithPolicy(t)
	options.TokenFile = writeFile(t, filepath.Join(t.TempDir(), "token"), farmToken)
	client := connect(t, options)
	principal := func() string {
		me, err := client.WhoAmI(ctx, &v1.WhoAmIRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return me.GetPrincipal()
	}
	if got := principal(); got != "farm" {
		t.Fatal(got)
	}
	// Renaming never leaves an empty file.
	if err := os.Rename(writeFile(t, options.TokenFile+".new", nextToken), options.TokenFile); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); principal() != "next"; {
		if time.Now().After(deadline) {
			t.Fatal("the new token is not used")
		}
	}
}

func TestTokenIsNotSentUnencrypted(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "token"), farmToken)
	// Nothing listens there, so a call that tried to connect would fail with UNAVAILABLE.
	for _, address := range []string{"127.0.0.1:1", "localhost:1", "unix:/nowhere/qconfigd.sock", "qconfig.example.com:50051"} {
		client := connect(t, qconfig.Options{Server: address, TokenFile: path})
		_, err := client.GetConfig(context.Background(), llama("fp8"))
		want := "the token in " + path + " is not sent over an unencrypted connection; set Options.TLS, or, if nobody else can " +
			"read the connection, AllowUnencryptedToken or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true"
		if failed := failure(t, err); failed.Code != codes.FailedPrecondition || failed.Message != want {
			t.Errorf("%s: %+v", address, failed)
		}
	}
}

func TestTokenInsteadOfAFileIsNotInTheError(t *testing.T) {
	for _, options := range []qconfig.Options{{}, {AllowUnencryptedToken: true}} {
		options.Server, options.TokenFile = "127.0.0.1:1", farmToken
		_, err := connect(t, options).GetConfig(context.Background(), llama("fp8"))
		if failed := failure(t, err); !strings.Contains(failed.Message, "is a token") {
			t.Errorf("%+v", failed)
		}
	}
}

func TestTokenIsNotSentOverATransportOfDialOptions(t *testing.T) {
	options := startTLSServerWithPolicy(t)
	options.Server = startServerWithPolicy(t).address
	options.DialOptions = []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	options.TokenFile = writeFile(t, filepath.Join(t.TempDir(), "token"), farmToken)
	_, err := connect(t, options).WhoAmI(context.Background(), nil)
	if failed := failure(t, err); failed.Code != codes.Unauthenticated || failed.Reason != 0 {
		t.Errorf("the server answered, or the client failed in another way: %+v", failed)
	}
}

func TestTokenIsSentUnencryptedIfAllowed(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "token"), farmToken)
	options := qconfig.Options{Server: startServerWithPolicy(t).address, TokenFile: path, AllowUnencryptedToken: true}
	if me, err := connect(t, options).WhoAmI(context.Background(), nil); err != nil || me.GetPrincipal() != "farm" {
		t.Error(me, err)
	}
}

func TestInvalidTokenFileFailsTheCallBeforeItIsSent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	client := connect(t, qconfig.Options{Server: "127.0.0.1:1", TokenFile: path, AllowUnencryptedToken: true})
	_, err := client.WhoAmI(context.Background(), nil)
	if failed := failure(t, err); failed.Code != codes.FailedPrecondition || !strings.Contains(failed.Message, "cannot be opened") {
		t.Errorf("%+v", failed)
	}
	writeFile(t, path, farmToken)
	_, err = client.WhoAmI(context.Background(), nil) // reads the file again
	if failed := failure(t, err); failed.Code != codes.Unavailable {
		t.Errorf("%+v", failed)
	}
}
