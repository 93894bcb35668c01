// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// Constants cannot be listed by a program, so their source is read.
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
			t.Errorf("%s has the constant %q", name, constant)
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

func failure(t *testing.T, info *errdetails.ErrorInfo) *Error {
	t.Helper()
	from, err := status.New(codes.NotFound, "no").WithDetails(info)
	if err != nil {
		t.Fatal(err)
	}
	return newError(from.Err())
}

func TestReasonOfAnotherDomainIsNone(t *testing.T) {
	err := failure(t, &errdetails.ErrorInfo{Domain: "other", Reason: "SCHEME_NOT_FOUND", Metadata: map[string]string{"field": "x"}})
	if err.Reason != 0 || err.Field != "" || errors.Is(err, Reason(0)) {
		t.Errorf("%+v", err)
	}
}

func TestReasonOfANewerServerIsNone(t *testing.T) {
	err := failure(t, &errdetails.ErrorInfo{Domain: domain, Reason: "TOO_NEW", Metadata: map[string]string{"field": "x"}})
	if err.Reason != 0 || err.Field != "x" || err.Code != codes.NotFound || err.Error() != "qconfig: NotFound: no" {
		t.Errorf("%+v", err)
	}
}

func TestErrorOfAContextThatEnded(t *testing.T) {
	late, canceled := newError(status.Error(codes.DeadlineExceeded, "")), newError(status.Error(codes.Canceled, ""))
	if !errors.Is(late, context.DeadlineExceeded) || errors.Is(late, context.Canceled) {
		t.Errorf("%v", late)
	}
	if !errors.Is(canceled, context.Canceled) || errors.Is(canceled, context.DeadlineExceeded) {
		t.Errorf("%v", canceled)
	}
	said := &Error{Code: codes.DeadlineExceeded, Reason: ErrSchemeNotFound}
	if errors.Is(said, context.DeadlineExceeded) {
		t.Errorf("%v", said)
	}
}

func TestItemErrorIsWhatACallWouldGive(t *testing.T) {
	err := ItemError(&v1.BatchGetConfigResult{Result: &v1.BatchGetConfigResult_Error{Error: &v1.ItemError{
		Code:            int32(codes.NotFound),
		Reason:          v1.ErrorReason_ERROR_REASON_SCHEME_NOT_FOUND,
		Message:         "no",
		Metadata:        map[string]string{"field": "scheme", "suggestion": "fp8"},
		FieldViolations: []*v1.FieldViolation{{Field: "scheme", Description: "none"}},
	}}})
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if failed.Reason != ErrSchemeNotFound || failed.Field != "scheme" || failed.Suggestion != "fp8" ||
		len(failed.FieldViolations) != 1 || failed.FieldViolations[0] != (FieldViolation{"scheme", "none"}) ||
		status.Code(err) != codes.NotFound || failed.Message != "no" {
		t.Errorf("%+v", failed)
	}
}
