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

// several are the options of a client of more than one server, as DNS would give them.
func several(servers ...*server) qconfig.Options {
	addresses := manual.NewBuilderWithScheme("several")
	var state resolver.State
	for _, server := range servers {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: server.address}}})
	}
	addresses.InitialState(state)
	return qconfig.Options{Server: "several:///", DialOptions: []grpc.DialOption{grpc.WithResolvers(addresses)}}
}

// whoAnswers makes so many calls one after the other, and counts them by the server that answered. All must succeed.
func whoAnswers(t *testing.T, client *qconfig.Client, calls int) map[string]int {
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

// waitForAnswers makes calls until only these servers answer, about in turns.
func waitForAnswers(t *testing.T, client *qconfig.Client, servers ...*server) {
	t.Helper()
	var counts map[string]int
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		counts = whoAnswers(t, client, 20*len(servers))
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

// callWhile makes calls from several goroutines as long as `work` takes, all of which must succeed.
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

func TestNoCallFailsWhenOneOfTwoServersEnds(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			first, second := startServer(t), startServer(t)
			client := connect(t, several(first, second))
			waitForAnswers(t, client, first, second)
			callWhile(t, client, func() {
				time.Sleep(200 * time.Millisecond)
				first.end(signal)
				time.Sleep(500 * time.Millisecond)
			})
			waitForAnswers(t, client, second)

			again := startServerAt(t, first.address)
			waitForAnswers(t, client, again, second)
		})
	}
}

// A server that is about to end still takes calls, and says by its health that it wants none.
func TestServerThatIsNotHealthyGetsNoCalls(t *testing.T) {
	ending, other := startServer(t, "--shutdown-delay-seconds", "30"), startServer(t)
	client := connect(t, several(ending, other))
	waitForAnswers(t, client, ending, other)

	if err := ending.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitForAnswers(t, client, other)

	unaware := several(ending)
	unaware.ServiceConfig = "{}"
	whoAnswers(t, connect(t, unaware), 1)
}

// While one call takes the only place of a server, others are refused and told when to try again: in 0.1 s to 1 s.
func TestOverloadedServerIsTriedAgain(t *testing.T) {
	server := startServer(t, "--max-in-flight", "1", "--answer-cache-bytes", "0")
	client := connect(t, qconfig.Options{Server: server.address})
	once := connect(t, qconfig.Options{Server: server.address, ServiceConfig: "{}"})
	whoAnswers(t, once, 1)

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

	var refused error
	for refused == nil && time.Now().Before(held) {
		_, refused = once.GetConfig(context.Background(), llama("fp8"))
		time.Sleep(20 * time.Millisecond) // or these calls keep the waiting call out of the only place
	}
	if !errors.Is(refused, qconfig.ErrOverloaded) || status.Code(refused) != codes.Unavailable {
		t.Errorf("%v", refused)
	}
	time.Sleep(time.Until(held.Add(-250 * time.Millisecond))) // so that three more tries come late enough
	if _, err := client.GetConfig(context.Background(), llama("fp8")); err != nil {
		t.Error(err)
	}
}

// refusing is a server that does nothing but refuse calls in a way that a qconfigd does not.
type refusing struct {
	v1.UnimplementedRegistryServiceServer
	pushback   string
	tries      atomic.Int64
	requestIDs sync.Map
}

func (r *refusing) RegisterTemplate(ctx context.Context, request *v1.RegisterTemplateRequest) (*v1.RegisterTemplateResponse, error) {
	r.tries.Add(1)
	r.requestIDs.Store(request.GetRequestId(), true)
	if r.pushback != "" {
		if err := grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", r.pushback)); err != nil {
			return nil, err
		}
	}
	return nil, status.Error(codes.Unavailable, "refused")
}

func TestTries(t *testing.T) {
	const second = time.Second
	for _, test := range []struct {
		pushback      string
		timeout       time.Duration
		bytes         int
		tries         int64
		atLeast, most time.Duration
	}{
		{pushback: "", tries: 4, atLeast: 700 * time.Millisecond, most: 5 * second}, // 0.1 s + 0.25 s + 0.625 s, a fifth less
		{pushback: "", bytes: 1 << 20, tries: 4, most: 5 * second},
		{pushback: "0", tries: 4, most: 500 * time.Millisecond},
		{pushback: "600", tries: 4, atLeast: 1800 * time.Millisecond, most: 5 * second},
		{pushback: "-1", tries: 1, most: 500 * time.Millisecond},
		{pushback: "soon", tries: 1, most: 500 * time.Millisecond},
		{pushback: "600", timeout: second, tries: 2, atLeast: second, most: 2 * second},
	} {
		t.Run(fmt.Sprintf("pushback=%s,timeout=%v,bytes=%d", test.pushback, test.timeout, test.bytes), func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			service := &refusing{pushback: test.pushback}
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
			if err == nil || service.tries.Load() != test.tries {
				t.Errorf("%v after %d tries", err, service.tries.Load())
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
