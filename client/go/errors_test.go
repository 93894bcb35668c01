// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// Go cannot enumerate constants at run time, so the test parses the source.
func TestEveryReasonHasAConstant(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]string{} // by name in the enum
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok {
			ast.Inspect(spec.Values[0], func(part ast.Node) bool {
				if selector, ok := part.(*ast.SelectorExpr); ok {
					constants[selector.Sel.Name] = spec.Names[0].Name
				}
				return true
			})
		}
		return true
	})
	for number, name := range v1.ErrorReason_name {
		constant := constants["ErrorReason_"+name]
		if number != 0 && !strings.EqualFold(constant, "Err"+strings.ReplaceAll(strings.TrimPrefix(name, reasonPrefix), "_", "")) {
			t.Errorf("constant of %s: %q", name, constant)
		}
	}
}

func TestReasonText(t *testing.T) {
	if got := ErrSchemeNotFound.Error(); got != "SCHEME_NOT_FOUND" {
		t.Error(got)
	}
	if got := Reason(0).Error(); got != "" {
		t.Error(got)
	}
}

func failure(t *testing.T, details ...protoadapt.MessageV1) *Error {
	t.Helper()
	from, err := status.New(codes.NotFound, "no").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return newError(from.Err())
}

func TestReasonFromAnotherDomainIsIgnored(t *testing.T) {
	info := &errdetails.ErrorInfo{Domain: "other", Reason: "SCHEME_NOT_FOUND", Metadata: map[string]string{"field": "x"}}
	err := failure(t, info, &v1.ErrorDetail{Field: "x"})
	if err.Reason != 0 || err.Metadata != nil || err.Field != "" || errors.Is(err, Reason(0)) {
		t.Errorf("%+v", err)
	}
}

func TestUnknownReasonIsZero(t *testing.T) {
	info := &errdetails.ErrorInfo{Domain: "qconfig.dev", Reason: "TOO_NEW"}
	err := failure(t, info, &v1.ErrorDetail{Field: "x"})
	if err.Reason != 0 || err.Field != "x" || err.Code != codes.NotFound || err.Error() != "qconfig: NotFound: no" {
		t.Errorf("%+v", err)
	}
}

func TestErrorWithoutADetailHasEmptyFields(t *testing.T) {
	metadata := map[string]string{"field": "x", "allowed": "a, b", "suggestion": "a"}
	err := failure(t, &errdetails.ErrorInfo{Domain: "qconfig.dev", Reason: "SCHEME_NOT_FOUND", Metadata: metadata})
	if err.Reason != ErrSchemeNotFound || err.Field != "" || err.Allowed != nil || err.AllowedTotal != 0 || err.Suggestions != nil {
		t.Errorf("%+v", err)
	}
	if !maps.Equal(err.Metadata, metadata) {
		t.Errorf("metadata %v", err.Metadata)
	}
}

// A name may contain a comma.
var everyDetail = &v1.ErrorDetail{
	Field: "spec.scheme", Value: "c", Allowed: []string{"a, b", "d"}, AllowedTotal: 12, Suggestions: []string{"a, b"}, Rule: "r", RequiredRole: "editor",
	RetryAfterMs:      40,
	SuggestionReasons: []*v1.SuggestionReason{{Kind: v1.SuggestionKind_SUGGESTION_KIND_OTHER_CATALOG, Catalog: "quark-0.13"}},
	Advice:            "Register it.", Tenant: "acme", Catalog: "quark-0.13", FirstRevision: 2, NewestRevision: 3_630_000_000_001,
	Findings: []*v1.Finding{{Message: "m"}}, FindingTotal: 9,
}

func checkEveryDetail(t *testing.T, err *Error) {
	t.Helper()
	got := &v1.ErrorDetail{
		Field: err.Field, Value: err.Value, Allowed: err.Allowed, AllowedTotal: int32(err.AllowedTotal), Suggestions: err.Suggestions,
		SuggestionReasons: err.SuggestionReasons, Advice: err.Advice, Rule: err.Rule, RequiredRole: err.RequiredRole, RetryAfterMs: err.RetryAfterMs, Tenant: err.Tenant, Catalog: err.Catalog,
		FirstRevision: err.FirstRevision, NewestRevision: err.NewestRevision,
		Findings: err.Findings, FindingTotal: err.FindingTotal,
	}
	if !proto.Equal(got, everyDetail) {
		t.Errorf("got %v, want %v", got, everyDetail)
	}
}

func TestErrorHasTheFieldsOfTheDetail(t *testing.T) {
	checkEveryDetail(t, failure(t, &errdetails.ErrorInfo{Domain: domain}, everyDetail))
}

func TestErrorIsContextError(t *testing.T) {
	late, canceled := newError(status.Error(codes.DeadlineExceeded, "")), newError(status.Error(codes.Canceled, ""))
	if !errors.Is(late, context.DeadlineExceeded) || errors.Is(late, context.Canceled) {
		t.Errorf("%v", late)
	}
	if !errors.Is(canceled, context.Canceled) || errors.Is(canceled, context.DeadlineExceeded) {
		t.Errorf("%v", canceled)
	}
	fromServer := &Error{Code: codes.DeadlineExceeded, Reason: ErrSchemeNotFound}
	if errors.Is(fromServer, context.DeadlineExceeded) {
		t.Errorf("%v", fromServer)
	}
}

func TestItemErrorEqualsCallError(t *testing.T) {
	err := ItemError(&v1.BatchGetConfigResult{Result: &v1.BatchGetConfigResult_Error{Error: &v1.ItemError{
		Code:            int32(codes.NotFound),
		Reason:          v1.ErrorReason_ERROR_REASON_SCHEME_NOT_FOUND,
		Message:         "no",
		Metadata:        map[string]string{"field": "spec.scheme"},
		FieldViolations: []*v1.FieldViolation{{Field: "spec.scheme", Description: "none"}},
		Detail:          everyDetail,
	}}})
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	checkEveryDetail(t, failed)
	if failed.Reason != ErrSchemeNotFound || failed.Metadata["field"] != "spec.scheme" ||
		len(failed.FieldViolations) != 1 || failed.FieldViolations[0] != (FieldViolation{"spec.scheme", "none"}) ||
		status.Code(err) != codes.NotFound || failed.Message != "no" {
		t.Errorf("%+v", failed)
	}
}
