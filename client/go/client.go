// SPDX-License-Identifier: Apache-2.0

// Package qconfig is a client of the qconfig server, which returns the quantization configurations that AMD Quark's
// LLMTemplate would build. Package qconfigv1 documents the messages.
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

// Client calls a qconfig server. It is safe for concurrent use; a process needs only one.
//
// It has the methods of both services. They do not modify the caller's message, and return an [*Error] on failure. A call
// without a deadline in its context uses [Options].Timeout.
//
// The client sets a random request_id on writes that have none, so that its retries are idempotent. After UNAVAILABLE or
// DEADLINE_EXCEEDED the write may have been applied: to retry it safely, set your own request_id and send the same message
// again.
//
// If [Options].TokenFile is invalid, or the token would be sent unencrypted, calls fail with FAILED_PRECONDITION and send
// nothing. No error has a part of the token.
type Client struct {
	connection *grpc.ClientConn
	endpoint   endpoint
	config     v1.ConfigServiceClient
	registry   v1.RegistryServiceClient
	tenant     string
	catalog    string
	timeout    time.Duration
	token      *tokenFile // nil: no token
}

var (
	_ v1.ConfigServiceClient   = (*Client)(nil)
	_ v1.RegistryServiceClient = (*Client)(nil)
)

// NewClient returns an error for invalid options, such as a malformed service config. It does not connect: if the server is
// unreachable, the first call fails with UNAVAILABLE.
func NewClient(options Options) (*Client, error) {
	options.Server = cmp.Or(options.Server, "localhost:50051")
	connection, err := grpc.NewClient(options.Server, options.dialOptions()...)
	if err != nil {
		return nil, err
	}
	return &Client{
		connection: connection,
		endpoint:   options.endpoint(),
		config:     v1.NewConfigServiceClient(connection),
		registry:   v1.NewRegistryServiceClient(connection),
		tenant:     options.Tenant,
		catalog:    options.Catalog,
		timeout:    cmp.Or(options.Timeout, 10*time.Second),
		token:      options.token(),
	}, nil
}

// Close closes the connections and cancels the calls in flight.
func (c *Client) Close() error {
	return c.connection.Close()
}

// GetConfig returns the configuration for a model type and a scheme.
func (c *Client) GetConfig(ctx context.Context, request *v1.GetConfigRequest, options ...grpc.CallOption) (*v1.GetConfigResponse, error) {
	return call(ctx, c, c.config.GetConfig, request, options)
}

// BatchGetConfig sends many requests in one call. [ItemError] converts a failed item to an error.
func (c *Client) BatchGetConfig(ctx context.Context, request *v1.BatchGetConfigRequest, options ...grpc.CallOption) (*v1.BatchGetConfigResponse, error) {
	return call(ctx, c, c.config.BatchGetConfig, request, options)
}

// PlanLayers computes what a configuration does to each module of a model, and reports what is wrong with it.
func (c *Client) PlanLayers(ctx context.Context, request *v1.PlanLayersRequest, options ...grpc.CallOption) (*v1.PlanLayersResponse, error) {
	return call(ctx, c, c.config.PlanLayers, request, options)
}

// ListTemplates returns one page of the templates that are visible to the tenant; [Client.AllTemplates] reads all pages.
func (c *Client) ListTemplates(ctx context.Context, request *v1.ListTemplatesRequest, options ...grpc.CallOption) (*v1.ListTemplatesResponse, error) {
	return call(ctx, c, c.config.ListTemplates, request, options)
}

// GetTemplate returns a template.
func (c *Client) GetTemplate(ctx context.Context, request *v1.GetTemplateRequest, options ...grpc.CallOption) (*v1.GetTemplateResponse, error) {
	return call(ctx, c, c.config.GetTemplate, request, options)
}

// ListSchemes returns one page of the schemes that are visible to the tenant; [Client.AllSchemes] reads all pages.
func (c *Client) ListSchemes(ctx context.Context, request *v1.ListSchemesRequest, options ...grpc.CallOption) (*v1.ListSchemesResponse, error) {
	return call(ctx, c, c.config.ListSchemes, request, options)
}

// GetScheme returns a scheme.
func (c *Client) GetScheme(ctx context.Context, request *v1.GetSchemeRequest, options ...grpc.CallOption) (*v1.GetSchemeResponse, error) {
	return call(ctx, c, c.config.GetScheme, request, options)
}

// ListCatalogs returns the server's catalogues.
func (c *Client) ListCatalogs(ctx context.Context, request *v1.ListCatalogsRequest, options ...grpc.CallOption) (*v1.ListCatalogsResponse, error) {
	return call(ctx, c, c.config.ListCatalogs, request, options)
}

// WhoAmI returns who the caller is for the server, and what the caller may do.
func (c *Client) WhoAmI(ctx context.Context, request *v1.WhoAmIRequest, options ...grpc.CallOption) (*v1.WhoAmIResponse, error) {
	return call(ctx, c, c.config.WhoAmI, request, options)
}

// RegisterScheme adds a scheme to the tenant's registry, or replaces the tenant's scheme of the same name if the request sets
// replace or etag.
func (c *Client) RegisterScheme(ctx context.Context, request *v1.RegisterSchemeRequest, options ...grpc.CallOption) (*v1.RegisterSchemeResponse, error) {
	return call(ctx, c, c.registry.RegisterScheme, request, options)
}

// UnregisterScheme removes a scheme from the tenant's registry.
func (c *Client) UnregisterScheme(ctx context.Context, request *v1.UnregisterSchemeRequest, options ...grpc.CallOption) (*v1.UnregisterSchemeResponse, error) {
	return call(ctx, c, c.registry.UnregisterScheme, request, options)
}

// RegisterTemplate adds a template to the tenant's registry, or replaces the tenant's template for the model type unless the
// request sets must_be_new.
func (c *Client) RegisterTemplate(ctx context.Context, request *v1.RegisterTemplateRequest, options ...grpc.CallOption) (*v1.RegisterTemplateResponse, error) {
	return call(ctx, c, c.registry.RegisterTemplate, request, options)
}

// UnregisterTemplate removes a template from the tenant's registry.
func (c *Client) UnregisterTemplate(ctx context.Context, request *v1.UnregisterTemplateRequest, options ...grpc.CallOption) (*v1.UnregisterTemplateResponse, error) {
	return call(ctx, c, c.registry.UnregisterTemplate, request, options)
}

// SetDefaultCatalog sets the catalogue that the tenant's requests use by default. The client does not fill [Options].Catalog
// into the request.
func (c *Client) SetDefaultCatalog(ctx context.Context, request *v1.SetDefaultCatalogRequest, options ...grpc.CallOption) (*v1.SetDefaultCatalogResponse, error) {
	return call(ctx, c, c.registry.SetDefaultCatalog, request, options)
}

// ListChanges returns one page of the writes to the tenant's registry, newest first; [Client.AllChanges] reads all pages.
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
	var none Response
	if c.token != nil {
		credentials, err := c.token.credentials(time.Now())
		if err != nil {
			return none, newError(err)
		}
		options = append([]grpc.CallOption{grpc.PerRPCCredentials(credentials)}, options...)
	}
	request = clone(request)
	c.fill(request)
	response, err := method(ctx, request, options...)
	if err != nil {
		return none, newError(err).explained(c.endpoint)
	}
	return response, nil
}

// clone copies the request. A nil request becomes an empty one.
func clone[Request proto.Message](request Request) Request {
	copied := request.ProtoReflect().New().Interface().(Request)
	proto.Merge(copied, request)
	return copied
}

// fill sets the fields that the caller left empty to the client's values.
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
	// In this request, catalog is the new default.
	if _, ok := request.(*v1.SetDefaultCatalogRequest); !ok {
		fillField(message, "catalog", func() string { return c.catalog })
	}
}

func fillField(message protoreflect.Message, name protoreflect.Name, value func() string) {
	if field := message.Descriptor().Fields().ByName(name); field != nil && !message.Has(field) {
		message.Set(field, protoreflect.ValueOfString(value()))
	}
}
