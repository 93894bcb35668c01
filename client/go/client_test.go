// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

func TestGetConfig(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address})
	request := llama("fp8")
	request.IncludeCanonicalJson = true
	response, err := client.GetConfig(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	if response.GetCatalog() != "quark-0.12.post1" || response.GetConfig().GetQuantMethod() != "quark" {
		t.Errorf("got %v", response)
	}
	if ok, err := qconfig.VerifyDigest(response); !ok || err != nil {
		t.Errorf("VerifyDigest: %v, %v", ok, err)
	}
}

func TestTenantAndCatalogAreFilledIn(t *testing.T) {
	server := startServer(t)
	client := connect(t, qconfig.Options{Server: server.address, Tenant: "acme", Catalog: "quark-0.13"})
	registerScheme(t, client, "mine")

	request := &v1.BatchGetConfigRequest{Requests: []*v1.GetConfigRequest{
		llama("mine"),
		{Catalog: "quark-0.12.post1", Spec: llama("fp8").GetSpec()},
		{Tenant: "other", Spec: llama("mine").GetSpec()},
		nil,
	}}
	before := proto.Clone(request.GetRequests()[0])
	batch, err := client.BatchGetConfig(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(before, request.GetRequests()[0]) {
		t.Errorf("the caller's message was modified: %v", request)
	}
	results := batch.GetResults()
	if got := results[0].GetResponse().GetCatalog(); got != "quark-0.13" {
		t.Errorf("catalog %q", got)
	}
	if got := results[1].GetResponse().GetCatalog(); got != "quark-0.12.post1" {
		t.Errorf("catalog %q", got)
	}
	if err := qconfig.ItemError(results[2]); !errors.Is(err, qconfig.ErrSchemeNotFound) {
		t.Errorf("another tenant has the scheme: %v", err)
	}
	if err := qconfig.ItemError(results[3]); !errors.Is(err, qconfig.ErrInvalidRequest) {
		t.Errorf("nil item: %v", err)
	}
	if err := qconfig.ItemError(results[0]); err != nil {
		t.Errorf("successful item: %v", err)
	}
}

func TestRequestIDOfWrites(t *testing.T) {
	server := startServer(t)
	client := connect(t, qconfig.Options{Server: server.address})
	registerScheme(t, client, "random")
	write := &v1.UnregisterSchemeRequest{Name: "random", RequestId: qconfig.NewRequestID()}
	for range 2 { // the second is a retry with the same request_id, not SCHEME_NOT_FOUND
		if _, err := client.UnregisterScheme(context.Background(), write); err != nil {
			t.Fatal(err)
		}
	}
	changes, err := client.ListChanges(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := changes.GetChanges()[0].GetRequestId(); got != write.GetRequestId() {
		t.Errorf("request_id %q, want the caller's %q", got, write.GetRequestId())
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if got := changes.GetChanges()[1].GetRequestId(); !uuid.MatchString(got) {
		t.Errorf("request_id %q is not a UUID", got)
	}
}

func TestReplaceScheme(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address})
	ctx := context.Background()
	first := registerScheme(t, client, "mine").GetScheme()

	write := &v1.RegisterSchemeRequest{Scheme: &v1.Scheme{Name: "mine", Description: "new", Config: &v1.QLayerConfig{}}}
	if _, err := client.RegisterScheme(ctx, write); !errors.Is(err, qconfig.ErrSchemeExists) {
		t.Errorf("without replace: %v", err)
	}
	write.Replace = true
	second, err := client.RegisterScheme(ctx, write)
	if err != nil {
		t.Fatal(err)
	}
	if !second.GetReplaced() || second.GetScheme().GetDescription() != "new" || second.GetScheme().GetEtag() == first.GetEtag() {
		t.Errorf("%v", second)
	}
	write.Etag = first.GetEtag()
	if _, err := client.RegisterScheme(ctx, write); !errors.Is(err, qconfig.ErrEtagMismatch) {
		t.Errorf("with an old etag: %v", err)
	}
}

func TestSetDefaultCatalog(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address, Tenant: "acme", Catalog: "quark-0.12.post1"})
	ctx := context.Background()
	registerScheme(t, client, "mine")

	set, err := client.SetDefaultCatalog(ctx, &v1.SetDefaultCatalogRequest{Catalog: "quark-0.13", ExpectedRevision: 2})
	if err != nil {
		t.Fatal(err)
	}
	if set.GetPreviousCatalog() != "quark-0.12.post1" || set.GetRevision() != 3 {
		t.Errorf("%v", set)
	}
	changes, err := client.ListChanges(ctx, &v1.ListChangesRequest{Tenant: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if newest := changes.GetChanges()[0]; newest.GetRevision() != 3 || newest.GetRequestId() == "" {
		t.Errorf("%v", newest)
	}

	_, err = client.SetDefaultCatalog(ctx, &v1.SetDefaultCatalogRequest{Catalog: "quark-0.12.post1", ExpectedRevision: 2})
	var failed *qconfig.Error
	if !errors.Is(err, qconfig.ErrRevisionMismatch) || !errors.As(err, &failed) || failed.NewestRevision != 3 {
		t.Errorf("%+v", failed)
	}
	// The server would accept the client's catalogue.
	_, err = client.SetDefaultCatalog(ctx, nil)
	if !errors.Is(err, qconfig.ErrInvalidRequest) || !errors.As(err, &failed) || failed.Field != "catalog" {
		t.Errorf("without a catalogue: %v", err)
	}
}

func TestTemplates(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address})
	ctx := context.Background()
	registered, err := client.RegisterTemplate(ctx, &v1.RegisterTemplateRequest{
		LlmTemplate: &v1.LlmTemplate{ModelType: "mine", KvLayersName: []string{"*k_proj", "*v_proj"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	read, err := client.GetTemplate(ctx, &v1.GetTemplateRequest{ModelType: "mine"})
	if err != nil || !proto.Equal(read.GetLlmTemplate(), registered.GetLlmTemplate()) {
		t.Errorf("%v, %v", read, err)
	}
	again := &v1.RegisterTemplateRequest{LlmTemplate: &v1.LlmTemplate{ModelType: "mine"}, MustBeNew: true}
	if _, err := client.RegisterTemplate(ctx, again); !errors.Is(err, qconfig.ErrTemplateExists) {
		t.Error(err)
	}
	if _, err := client.UnregisterTemplate(ctx, &v1.UnregisterTemplateRequest{ModelType: "llama"}); !errors.Is(err, qconfig.ErrBuiltinReadOnly) {
		t.Error(err)
	}
	scheme, err := client.GetScheme(ctx, &v1.GetSchemeRequest{Name: "fp8"})
	if err != nil || scheme.GetScheme().GetOrigin() != v1.RegistryOrigin_REGISTRY_ORIGIN_BUILTIN {
		t.Errorf("%v, %v", scheme, err)
	}
	catalogs, err := client.ListCatalogs(ctx, nil)
	if err != nil || len(catalogs.GetCatalogs()) < 2 {
		t.Errorf("%v, %v", catalogs, err)
	}
}

func TestServerError(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address})
	request := llama("fp8")
	request.Spec.LayerConfig = []*v1.LayerConfigEntry{{Pattern: "*mlp*", Scheme: "mxpf4"}}
	_, err := client.GetConfig(context.Background(), request)
	var failed *qconfig.Error
	if !errors.As(err, &failed) {
		t.Fatalf("%T: %v", err, err)
	}
	if !errors.Is(err, qconfig.ErrSchemeNotFound) || errors.Is(err, qconfig.ErrTemplateNotFound) {
		t.Errorf("reason %v", failed.Reason)
	}
	if failed.Field != "spec.layer_config[0].scheme" || failed.Value != "mxpf4" || failed.Catalog != "quark-0.12.post1" ||
		len(failed.Suggestions) == 0 || failed.Suggestions[0] != "mxfp4" ||
		len(failed.Allowed) != 10 || !slices.Contains(failed.Allowed, "int8") || failed.AllowedTotal <= 10 {
		t.Errorf("%+v", failed)
	}
	if failed.Metadata["field"] != failed.Field || failed.Metadata["catalog"] != failed.Catalog {
		t.Errorf("metadata %v", failed.Metadata)
	}
	if len(failed.FieldViolations) != 1 || failed.FieldViolations[0].Field != failed.Field {
		t.Errorf("violations %v", failed.FieldViolations)
	}
	if from, ok := status.FromError(err); !ok || from.Code() != codes.NotFound || len(from.Details()) != 3 {
		t.Errorf("status %v", from)
	}
	if !strings.HasPrefix(err.Error(), "qconfig: SCHEME_NOT_FOUND: spec.layer_config[0].scheme: ") {
		t.Errorf("text %q", err)
	}
}

func TestUnreachableServer(t *testing.T) {
	client := connect(t, qconfig.Options{Server: "127.0.0.1:1"})
	_, err := client.GetConfig(context.Background(), llama("fp8"))
	var failed *qconfig.Error
	if !errors.As(err, &failed) || failed.Code != codes.Unavailable || failed.Reason != 0 {
		t.Errorf("%v", err)
	}
}

func TestInvalidOptions(t *testing.T) {
	if _, err := qconfig.NewClient(qconfig.Options{ServiceConfig: "{"}); err == nil {
		t.Error("malformed service config accepted")
	}
}

func TestTimeout(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address, Timeout: 300 * time.Millisecond})
	waiting := llama("fp8")
	waiting.MinRevision = 7

	began := time.Now()
	_, err := client.GetConfig(context.Background(), waiting)
	if took := time.Since(began); err == nil || took > 2*time.Second {
		t.Errorf("%v after %v", err, took)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel()
	began = time.Now()
	_, err = client.GetConfig(ctx, waiting)
	if took := time.Since(began); err == nil || took < 400*time.Millisecond || took > 3*time.Second {
		t.Errorf("%v after %v: context deadline ignored", err, took)
	}

	canceled, stop := context.WithCancel(context.Background())
	stop()
	if _, err := client.GetConfig(canceled, llama("fp8")); status.Code(err) != codes.Canceled {
		t.Error(err)
	}
}

func TestResponseOverFourMebibytes(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address})
	request := llama("fp8")
	request.IncludeQuarkJson = true
	for i := range 10 {
		request.Spec.LayerConfig = append(request.Spec.LayerConfig, &v1.LayerConfigEntry{Pattern: fmt.Sprint(i), Scheme: "mxfp4"})
	}
	batch := &v1.BatchGetConfigRequest{}
	for range 1000 {
		batch.Requests = append(batch.Requests, request)
	}
	response, err := client.BatchGetConfig(context.Background(), batch)
	if err != nil {
		t.Fatal(err)
	}
	if size := proto.Size(response); size < 4<<20 {
		t.Errorf("the response has only %d bytes", size)
	}
}

func TestConcurrentCalls(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address, Tenant: "acme"})
	request := llama("fp8")
	var running sync.WaitGroup
	for range 64 {
		running.Add(1)
		go func() {
			defer running.Done()
			if _, err := client.GetConfig(context.Background(), request); err != nil {
				t.Error(err)
			}
		}()
	}
	running.Wait()
}
