// SPDX-License-Identifier: Apache-2.0

// Package qconfig calls a qconfig server, which answers what quantization configuration AMD Quark's LLMTemplate would
// build. What the messages mean is said in package qconfigv1, which is generated from the protos.
package qconfig

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// Client calls a qconfig server. It is safe for concurrent use, and one is enough for a process.
//
// Its methods are those of both services. They leave the caller's message as it is, and fail with an [*Error]. A call
// takes as long as its context's deadline allows or, if there is none, as [Options].Timeout says.
//
// A write without a request_id gets one, so that retries apply it once. After UNAVAILABLE or a deadline the write may have
// been stored: to be able to repeat it, set a request_id, and send the same message again.
type Client struct {
	connection *grpc.ClientConn
	config     v1.ConfigServiceClient
	registry   v1.RegistryServiceClient
	tenant     string
	catalog    string
	timeout    time.Duration
}

var (
	_ v1.ConfigServiceClient   = (*Client)(nil)
	_ v1.RegistryServiceClient = (*Client)(nil)
)

// NewClient fails for options that cannot be, such as a service config that is none. It does not connect yet: a server
// that cannot be reached is UNAVAILABLE at the first call.
func NewClient(options Options) (*Client, error) {
	connection, err := grpc.NewClient(cmp.Or(options.Server, "localhost:50051"), options.dialOptions()...)
	if err != nil {
		return nil, err
	}
	return &Client{
		connection: connection,
		config:     v1.NewConfigServiceClient(connection),
		registry:   v1.NewRegistryServiceClient(connection),
		tenant:     options.Tenant,
		catalog:    options.Catalog,
		timeout:    cmp.Or(options.Timeout, 10*time.Second),
	}, nil
}

// Close ends the connections, and calls that still run.
func (c *Client) Close() error {
	return c.connection.Close()
}

// GetConfig builds the configuration for one model type and scheme.
func (c *Client) GetConfig(ctx context.Context, request *v1.GetConfigRequest, options ...grpc.CallOption) (*v1.GetConfigResponse, error) {
	return call(ctx, c, c.config.GetConfig, request, options)
}

// BatchGetConfig answers many requests in one call. [ItemError] makes an error of an item that failed.
func (c *Client) BatchGetConfig(ctx context.Context, request *v1.BatchGetConfigRequest, options ...grpc.CallOption) (*v1.BatchGetConfigResponse, error) {
	return call(ctx, c, c.config.BatchGetConfig, request, options)
}

// ListTemplates reads one page of the templates that the tenant sees; [Client.AllTemplates] reads them all.
func (c *Client) ListTemplates(ctx context.Context, request *v1.ListTemplatesRequest, options ...grpc.CallOption) (*v1.ListTemplatesResponse, error) {
	return call(ctx, c, c.config.ListTemplates, request, options)
}

// GetTemplate reads one template.
func (c *Client) GetTemplate(ctx context.Context, request *v1.GetTemplateRequest, options ...grpc.CallOption) (*v1.GetTemplateResponse, error) {
	return call(ctx, c, c.config.GetTemplate, request, options)
}

// ListSchemes reads one page of the schemes that the tenant sees; [Client.AllSchemes] reads them all.
func (c *Client) ListSchemes(ctx context.Context, request *v1.ListSchemesRequest, options ...grpc.CallOption) (*v1.ListSchemesResponse, error) {
	return call(ctx, c, c.config.ListSchemes, request, options)
}

// GetScheme reads one scheme.
func (c *Client) GetScheme(ctx context.Context, request *v1.GetSchemeRequest, options ...grpc.CallOption) (*v1.GetSchemeResponse, error) {
	return call(ctx, c, c.config.GetScheme, request, options)
}

// ListCatalogs reads which catalogues the server has.
func (c *Client) ListCatalogs(ctx context.Context, request *v1.ListCatalogsRequest, options ...grpc.CallOption) (*v1.ListCatalogsResponse, error) {
	return call(ctx, c, c.config.ListCatalogs, request, options)
}

// RegisterScheme adds a scheme to the tenant's registry. With replace or etag in the request it replaces the tenant's scheme
// of the same name.
func (c *Client) RegisterScheme(ctx context.Context, request *v1.RegisterSchemeRequest, options ...grpc.CallOption) (*v1.RegisterSchemeResponse, error) {
	return call(ctx, c, c.registry.RegisterScheme, request, options)
}

// UnregisterScheme removes a scheme of the tenant.
func (c *Client) UnregisterScheme(ctx context.Context, request *v1.UnregisterSchemeRequest, options ...grpc.CallOption) (*v1.UnregisterSchemeResponse, error) {
	return call(ctx, c, c.registry.UnregisterScheme, request, options)
}

// RegisterTemplate adds a template to the tenant's registry, or replaces the one of the same model type.
func (c *Client) RegisterTemplate(ctx context.Context, request *v1.RegisterTemplateRequest, options ...grpc.CallOption) (*v1.RegisterTemplateResponse, error) {
	return call(ctx, c, c.registry.RegisterTemplate, request, options)
}

// UnregisterTemplate removes a template of the tenant.
func (c *Client) UnregisterTemplate(ctx context.Context, request *v1.UnregisterTemplateRequest, options ...grpc.CallOption) (*v1.UnregisterTemplateResponse, error) {
	return call(ctx, c, c.registry.UnregisterTemplate, request, options)
}

// SetDefaultCatalog changes the catalogue that requests of the tenant use if they name none. [Options].Catalog does not go
// into its request.
func (c *Client) SetDefaultCatalog(ctx context.Context, request *v1.SetDefaultCatalogRequest, options ...grpc.CallOption) (*v1.SetDefaultCatalogResponse, error) {
	return call(ctx, c, c.registry.SetDefaultCatalog, request, options)
}

// ListChanges reads one page of the writes to the tenant's registry, newest first; [Client.AllChanges] reads them all.
func (c *Client) ListChanges(ctx context.Context, request *v1.ListChangesRequest, options ...grpc.CallOption) (*v1.ListChangesResponse, error) {
	return call(ctx, c, c.registry.ListChanges, request, options)
}

func call[Request, Response proto.Message](
	ctx context.Context, c *Client, method func(context.Context, Request, ...grpc.CallOption) (Response, error),
	request Request, options []grpc.CallOption,
) (Response, error) {
	if _, given := ctx.Deadline(); !given {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	request = clone(request)
	c.fill(request)
	response, err := method(ctx, request, options...)
	if err != nil {
		var none Response
		return none, newError(err)
	}
	return response, nil
}

// clone copies the request; of nil it makes an empty one.
func clone[Request proto.Message](request Request) Request {
	copied := request.ProtoReflect().New().Interface().(Request)
	proto.Merge(copied, request)
	return copied
}

// fill sets the fields of the request that the client has a value for and the caller left empty.
func (c *Client) fill(request proto.Message) {
	if batch, ok := request.(*v1.BatchGetConfigRequest); ok {
		for _, item := range batch.GetRequests() {
			c.fill(item)
		}
		return
	}
	message := request.ProtoReflect()
	fillField(message, "tenant", func() string { return c.tenant })
	fillField(message, "request_id", NewRequestID)
	// In this request the field is what to change, not what to read from.
	if _, ok := request.(*v1.SetDefaultCatalogRequest); !ok {
		fillField(message, "catalog", func() string { return c.catalog })
	}
}

func fillField(message protoreflect.Message, name protoreflect.Name, value func() string) {
	if field := message.Descriptor().Fields().ByName(name); field != nil && !message.Has(field) {
		message.Set(field, protoreflect.ValueOfString(value()))
	}
}
