// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// server is a real qconfigd on 127.0.0.1.
type server struct {
	address string
	command *exec.Cmd
	log     *lockedBuffer
	ended   chan struct{}
}

var listening = regexp.MustCompile(`listening on \S+ \(port (\d+)\)`)

// startServer starts a qconfigd with in-memory storage and waits until it listens. It is killed at the end of the test.
func startServer(t *testing.T, arguments ...string) *server {
	t.Helper()
	return startServerAt(t, "127.0.0.1:0", arguments...)
}

func startServerAt(t *testing.T, address string, arguments ...string) *server {
	t.Helper()
	qconfigd := filepath.Join(cmp.Or(os.Getenv("QCONFIG_BIN"), "../../build/release/bin"), "qconfigd")
	if _, err := os.Stat(qconfigd); err != nil {
		const hint = "no qconfigd: %v; build it, or set QCONFIG_BIN"
		if os.Getenv("CI") != "" {
			t.Fatalf(hint, err)
		}
		t.Skipf(hint, err)
	}
	s := &server{log: &lockedBuffer{}, ended: make(chan struct{})}
	s.command = exec.Command(qconfigd, append([]string{"--listen", address, "--storage", "memory"}, arguments...)...)
	s.command.Stderr = s.log
	s.command.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "QCONFIG_")
	}), "QCONFIG_ADMIN_LISTEN=")
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.command.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	deadline := time.After(30 * time.Second)
	for {
		if found := listening.FindStringSubmatch(s.log.String()); found != nil {
			s.address = "127.0.0.1:" + found[1]
			return s
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.ended:
			t.Fatalf("qconfigd exited: %s", s.log)
		case <-deadline:
			t.Fatalf("qconfigd did not start: %s", s.log)
		}
	}
}

// end sends the signal, if the server is still running, and waits for it to exit.
func (s *server) end(signal syscall.Signal) {
	_ = s.command.Process.Signal(signal)
	<-s.ended
}

// connect creates a client that is closed at the end of the test.
func connect(t *testing.T, options qconfig.Options) *qconfig.Client {
	t.Helper()
	client, err := qconfig.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func llama(scheme string) *v1.GetConfigRequest {
	return &v1.GetConfigRequest{Spec: &v1.ConfigSpec{ModelType: "llama", Scheme: scheme}}
}

func registerScheme(t *testing.T, client *qconfig.Client, name string) *v1.RegisterSchemeResponse {
	t.Helper()
	response, err := client.RegisterScheme(context.Background(), &v1.RegisterSchemeRequest{
		Scheme: &v1.Scheme{Name: name, Config: &v1.QLayerConfig{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return response
}

type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
