// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

const (
	// gRPC rejects calls with more than 8 KiB of metadata before the server sees them.
	maxTokenBytes = 7 << 10
	maxTokenAge   = time.Second
)

// tokenFile is a file with a token that may be replaced at any time. It is safe for concurrent use.
type tokenFile struct {
	path             string
	encrypted        bool // whether the client uses TLS
	allowUnencrypted bool

	mutex  sync.Mutex
	token  string
	readAt time.Time
}

// credentials returns what authenticates a call that begins now. The error is a status with FAILED_PRECONDITION, and has no
// part of the token. The file is checked here, because gRPC reports a failure of PerRPCCredentials in another way.
func (f *tokenFile) credentials(now time.Time) (credentials.PerRPCCredentials, error) {
	token, err := f.read(now) // first, because the path could be a token by mistake
	if err != nil {
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	if !f.encrypted && !f.allowUnencrypted {
		return nil, status.Errorf(codes.FailedPrecondition, "the token in %s is not sent over an unencrypted connection; "+
			"set Options.TLS, or, if nobody else can read the connection, AllowUnencryptedToken or "+
			"QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true", f.path)
	}
	return bearer{token, f.allowUnencrypted}, nil
}

// read returns the token, read at most one second before now. It does not keep an error.
func (f *tokenFile) read(now time.Time) (string, error) {
	if token, ok := f.recent(now); ok {
		return token, nil
	}
	token, err := readToken(f.path)
	if err != nil {
		return "", err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.token, f.readAt = token, now
	return token, nil
}

func (f *tokenFile) recent(now time.Time) (string, bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	age := now.Sub(f.readAt) // negative after a clock is set back
	return f.token, age >= 0 && age < maxTokenAge
}

// tokenPattern matches a text that probably has a token, as in "Bearer TOKEN", and is not the name of a file: one of
// new-token, or a JSON Web Token. What follows a slash is a file.
var tokenPattern = regexp.MustCompile(`(?s)(^|[^/])(qct_|eyJ.*\..*\.)`)

// readToken returns the token in the file, without whitespace at its end.
func readToken(path string) (string, error) {
	text, err := readSmallFile(path)
	if err == nil {
		token := strings.TrimRight(text, " \t\n\v\f\r")
		if err = checkToken(token); err == nil {
			return token, nil
		}
	} else if tokenPattern.MatchString(path) {
		return "", errors.New("the token file is a token; write the token to a file, and name that file")
	}
	return "", fmt.Errorf("token file %s: %w", path, err)
}

func readSmallFile(path string) (string, error) {
	// Opening a pipe would block.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", errors.New("is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be opened: %w", withoutPath(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenBytes+1))
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	if len(text) > maxTokenBytes {
		return "", fmt.Errorf("has more than %d bytes", maxTokenBytes)
	}
	return string(text), nil
}

func withoutPath(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// checkToken rejects what metadata cannot have.
func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("is empty; write the token to it")
	case strings.ContainsAny(token, "\r\n"):
		return errors.New("has several lines; it must have only the token, in one line")
	case strings.ContainsAny(token, " \t"):
		return errors.New(`has a space; it must have only the token, without "Bearer" before it`)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("has a character that is not printable ASCII, such as a byte order mark; it must have only the token")
	}
	return nil
}

// bearer sends a token with a call.
type bearer struct {
	token            string
	allowUnencrypted bool
}

// GetRequestMetadata returns the metadata of a call.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

// RequireTransportSecurity also counts if Options.DialOptions replace the transport.
func (b bearer) RequireTransportSecurity() bool {
	return !b.allowUnencrypted
}
