// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"context"
	"iter"

	"google.golang.org/grpc"

	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// AllTemplates iterates over the templates of all pages, starting at the request's. If a call fails, its error is the last
// pair. Without a deadline in the context, the client's timeout applies to each page.
func (c *Client) AllTemplates(ctx context.Context, request *v1.ListTemplatesRequest, options ...grpc.CallOption) iter.Seq2[*v1.LlmTemplate, error] {
	return all(request.GetPageToken(), func(token string) ([]*v1.LlmTemplate, string, error) {
		page := clone(request)
		page.PageToken = token
		response, err := c.ListTemplates(ctx, page, options...)
		return response.GetLlmTemplates(), response.GetNextPageToken(), err
	})
}

// AllSchemes iterates over the schemes of all pages, like [Client.AllTemplates].
func (c *Client) AllSchemes(ctx context.Context, request *v1.ListSchemesRequest, options ...grpc.CallOption) iter.Seq2[*v1.Scheme, error] {
	return all(request.GetPageToken(), func(token string) ([]*v1.Scheme, string, error) {
		page := clone(request)
		page.PageToken = token
		response, err := c.ListSchemes(ctx, page, options...)
		return response.GetSchemes(), response.GetNextPageToken(), err
	})
}

// AllChanges iterates over the writes of all pages, newest first, like [Client.AllTemplates].
func (c *Client) AllChanges(ctx context.Context, request *v1.ListChangesRequest, options ...grpc.CallOption) iter.Seq2[*v1.ChangeRecord, error] {
	return all(request.GetPageToken(), func(token string) ([]*v1.ChangeRecord, string, error) {
		page := clone(request)
		page.PageToken = token
		response, err := c.ListChanges(ctx, page, options...)
		return response.GetChanges(), response.GetNextPageToken(), err
	})
}

func all[Entry any](token string, page func(token string) (entries []*Entry, next string, err error)) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		for next := token; ; {
			entries, following, err := page(next)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			if following == "" {
				return
			}
			next = following
		}
	}
}
