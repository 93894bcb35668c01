// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// several returns the options of a client for several servers, resolved like the addresses of a DNS name.
func several(servers ...*server) qconfig.Options {
	addresses := manual.NewBuilderWithScheme("several")
	var state resolver.State
	for _, server := range servers {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: server.address}}})
	}
	addresses.InitialState(state)
	return qconfig.Options{Server: "several:///", DialOptions: []grpc.DialOption{grpc.WithResolvers(addresses)}}
}

// countByServer makes the given number of sequential calls and counts them by server. All must succeed.
func countByServer(t *testing.T, client *qconfig.Client, calls int) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for range calls {
		var from peer.Peer
		if _, err := client.GetConfig(context.Background(), llama("fp8"), grpc.Peer(&from)); err != nil {
			t.Fatal(err)
		}
		counts[from.Addr.String()]++
	}
	return counts
}

// waitForBalance makes calls until exactly these servers answer, about evenly.
func waitForBalance(t *testing.T, client *qconfig.Client, servers ...*server) {
	t.Helper()
	var counts map[string]int
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		counts = countByServer(t, client, 20*len(servers))
		even := len(counts) == len(servers)
		for _, server := range servers {
			even = even && counts[server.address] >= 15
		}
		if even {
			return
		}
	}
	t.Errorf("calls were answered by %v", counts)
}

// callWhile makes calls from several goroutines while `work` runs. All must succeed.
func callWhile(t *testing.T, client *qconfig.Client, work func()) {
	t.Helper()
	var done atomic.Bool
	var calls, failed atomic.Int64
	var running sync.WaitGroup
	for range 8 {
		running.Add(1)
		go func() {
			defer running.Done()
			for !done.Load() {
				calls.Add(1)
				if _, err := client.GetConfig(context.Background(), llama("fp8")); err != nil {
					failed.Add(1)
					t.Error(err)
				}
			}
		}()
	}
	work()
	done.Store(true)
	running.Wait()
	if calls.Load() < 100 {
		t.Errorf("only %d calls", calls.Load())
	}
	t.Logf("%d calls, %d failed", calls.Load(), failed.Load())
}

func TestNoCallFailsWhenOneOfTwoServersStops(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			first, second := startServer(t), startServer(t)
			client := connect(t, several(first, second))
			waitForBalance(t, client, first, second)
			callWhile(t, client, func() {
				time.Sleep(200 * time.Millisecond)
				first.end(signal)
				time.Sleep(500 * time.Millisecond)
			})
			waitForBalance(t, client, second)

			again := startServerAt(t, first.address)
			waitForBalance(t, client, again, second)
		})
	}
}

// During the shutdown delay, a server still accepts calls but reports itself as unhealthy.
func TestUnhealthyServerGetsNoCalls(t *testing.T) {
	ending, other := startServer(t, "--shutdown-delay-seconds", "30"), startServer(t)
	client := connect(t, several(ending, other))
	waitForBalance(t, client, ending, other)

	if err := ending.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitForBalance(t, client, other)

	unaware := several(ending)
	unaware.ServiceConfig = "{}"
	countByServer(t, connect(t, unaware), 1)
}

// While one call occupies the server's only slot, the server rejects others and tells them to retry after 0.1 s to 1 s.
func TestOverloadIsRetried(t *testing.T) {
	server := startServer(t, "--max-in-flight", "1", "--answer-cache-bytes", "0")
	client := connect(t, qconfig.Options{Server: server.address})
	once := connect(t, qconfig.Options{Server: server.address, ServiceConfig: "{}"})
	countByServer(t, once, 1)

	held := time.Now().Add(2 * time.Second)
	ctx, cancel := context.WithDeadline(context.Background(), held)
	defer cancel()
	released := make(chan struct{})
	go func() {
		defer close(released)
		waiting := llama("fp8")
		waiting.MinRevision = 7
		_, _ = client.GetConfig(ctx, waiting)
	}()
	defer func() { <-released }()

	var rejected error
	for rejected == nil && time.Now().Before(held) {
		_, rejected = once.GetConfig(context.Background(), llama("fp8"))
		time.Sleep(20 * time.Millisecond) // otherwise these calls could keep the waiting call out of the slot
	}
	if !errors.Is(rejected, qconfig.ErrOverloaded) || status.Code(rejected) != codes.Unavailable {
		t.Errorf("%v", rejected)
	}
	time.Sleep(time.Until(held.Add(-250 * time.Millisecond))) // so that the last retries happen after the slot is free
	if _, err := client.GetConfig(context.Background(), llama("fp8")); err != nil {
		t.Error(err)
	}
}

// rejectingServer rejects every call, with pushbacks that qconfigd does not send.
type rejectingServer struct {
	v1.UnimplementedRegistryServiceServer
	pushback   string
	attempts   atomic.Int64
	requestIDs sync.Map
}

func (r *rejectingServer) RegisterTemplate(ctx context.Context, request *v1.RegisterTemplateRequest) (*v1.RegisterTemplateResponse, error) {
	r.attempts.Add(1)
	r.requestIDs.Store(request.GetRequestId(), true)
	if r.pushback != "" {
		if err := grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", r.pushback)); err != nil {
			return nil, err
		}
	}
	return nil, status.Error(codes.Unavailable, "rejected")
}

func TestAttempts(t *testing.T) {
	const second = time.Second
	for _, test := range []struct {
		pushback      string
		timeout       time.Duration
		bytes         int
		attempts      int64
		atLeast, most time.Duration
	}{
		{pushback: "", attempts: 4, atLeast: 700 * time.Millisecond, most: 5 * second}, // 0.1 s + 0.25 s + 0.625 s, minus 20 %
		{pushback: "", bytes: 1 << 20, attempts: 4, most: 5 * second},
		{pushback: "0", attempts: 4, most: 500 * time.Millisecond},
		{pushback: "600", attempts: 4, atLeast: 1800 * time.Millisecond, most: 5 * second},
		{pushback: "-1", attempts: 1, most: 500 * time.Millisecond},
		{pushback: "soon", attempts: 1, most: 500 * time.Millisecond},
		{pushback: "600", timeout: second, attempts: 2, atLeast: second, most: 2 * second},
	} {
		t.Run(fmt.Sprintf("pushback=%s,timeout=%v,bytes=%d", test.pushback, test.timeout, test.bytes), func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			service := &rejectingServer{pushback: test.pushback}
			server := grpc.NewServer()
			v1.RegisterRegistryServiceServer(server, service)
			healthgrpc.RegisterHealthServer(server, health.NewServer())
			go func() { _ = server.Serve(listener) }()
			t.Cleanup(server.Stop)

			client := connect(t, qconfig.Options{Server: listener.Addr().String(), Timeout: test.timeout})
			request := &v1.RegisterTemplateRequest{
				LlmTemplate: &v1.LlmTemplate{Description: strings.Repeat("x", test.bytes)},
			}
			began := time.Now()
			_, err = client.RegisterTemplate(context.Background(), request)
			took := time.Since(began)
			if err == nil || service.attempts.Load() != test.attempts {
				t.Errorf("%v after %d attempts", err, service.attempts.Load())
			}
			if took < test.atLeast || took > test.most {
				t.Errorf("took %v", took)
			}
			ids := 0
			service.requestIDs.Range(func(id, _ any) bool { ids++; return id != "" })
			if ids != 1 {
				t.Errorf("%d request_ids for one write", ids)
			}
		})
	}
}
