// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

func TestAllReadsEveryPage(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address})
	ctx := context.Background()
	for i := range 5 {
		registerScheme(t, client, fmt.Sprint("mine", i))
	}

	request := &v1.ListSchemesRequest{PageSize: 3, View: v1.EntryView_ENTRY_VIEW_FULL}
	first, err := client.ListSchemes(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	schemes := client.AllSchemes(ctx, request)
	for range 2 { // iterators are reusable
		names := map[string]bool{}
		for scheme, err := range schemes {
			if err != nil {
				t.Fatal(err)
			}
			names[scheme.GetName()] = true
		}
		if len(names) != int(first.GetTotalSize()) || !names["mine4"] {
			t.Errorf("%d of %d schemes: %v", len(names), first.GetTotalSize(), names)
		}
	}
	if request.GetPageToken() != "" {
		t.Error("the caller's message was modified")
	}

	rest := 0
	for range client.AllSchemes(ctx, &v1.ListSchemesRequest{PageSize: 3, PageToken: first.GetNextPageToken()}) {
		rest++
	}
	if rest != int(first.GetTotalSize())-3 {
		t.Errorf("%d entries after the first page of 3 of %d", rest, first.GetTotalSize())
	}

	var revisions []int64
	for change, err := range client.AllChanges(ctx, &v1.ListChangesRequest{PageSize: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		revisions = append(revisions, change.GetRevision())
	}
	if fmt.Sprint(revisions) != "[6 5 4 3 2]" {
		t.Errorf("revisions %v", revisions)
	}

	for template, err := range client.AllTemplates(ctx, nil) {
		if err != nil || template.GetModelType() == "" {
			t.Fatal(template, err)
		}
		break
	}
}

func TestAllYieldsTheErrorLast(t *testing.T) {
	client := connect(t, qconfig.Options{Server: startServer(t).address})
	pairs := 0
	for template, err := range client.AllTemplates(context.Background(), &v1.ListTemplatesRequest{Catalog: "quark-0.1"}) {
		pairs++
		if template != nil || !errors.Is(err, qconfig.ErrCatalogNotFound) {
			t.Errorf("%v, %v", template, err)
		}
	}
	if pairs != 1 {
		t.Errorf("%d pairs", pairs)
	}
}
