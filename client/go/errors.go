// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// Error is the error of a failed call. Use errors.As to get it, errors.Is(err, qconfig.ErrSchemeNotFound) to check for a
// reason, and status.FromError or status.Code for the gRPC status.
type Error struct {
	Code    codes.Code
	Reason  Reason // 0 if the server sent no reason, or one that this client does not know
	Message string // a text for people

	// The fields of the server's ErrorDetail; empty or 0 where they do not apply.
	Field        string   // the path of the invalid field, such as "spec.layer_config[3].scheme"
	Value        string   // the field's value, truncated to 128 characters
	Allowed      []string // accepted values, at most 10
	AllowedTotal int      // the number of accepted values
	Suggestions  []string // similar accepted values, the best match first, at most 3
	// SuggestionReasons says why each of Suggestions is made, in the same order.
	SuggestionReasons []*v1.SuggestionReason
	Advice            string // what the caller can do, in sentences, as at the end of Message
	Rule              string // the rule that a tensor configuration violates, or why a credential is not accepted
	RequiredRole      string // the role that the caller needs for Tenant, such as "editor"
	RetryAfterMs      int64  // the time in milliseconds after which the call is allowed; see ErrRateLimited
	Tenant            string
	Catalog           string
	FirstRevision     int64         // the oldest available revision of the tenant's registry
	NewestRevision    int64         // the newest revision of the tenant's registry
	Findings          []*v1.Finding // the first findings for which a plan failed
	FindingTotal      int64         // the number of all findings for which the plan failed

	Metadata        map[string]string // metadata of the google.rpc.ErrorInfo
	FieldViolations []FieldViolation

	status *status.Status
}

// FieldViolation describes an invalid field of a request.
type FieldViolation struct {
	Field       string
	Description string
}

const domain = "qconfig.dev"

// Error returns the reason, or the gRPC code if there is none, and the message.
func (e *Error) Error() string {
	if e.Reason == 0 {
		return fmt.Sprintf("qconfig: %v: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("qconfig: %v: %s", e.Reason, e.Message)
}

// Is reports whether target is the error's [Reason]. Without a reason, it reports whether target is
// [context.DeadlineExceeded] or [context.Canceled] and matches the Code.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Reason == 0 && e.Code == codes.DeadlineExceeded
	case context.Canceled:
		return e.Reason == 0 && e.Code == codes.Canceled
	}
	reason, ok := target.(Reason)
	return ok && reason != 0 && reason == e.Reason
}

// GRPCStatus returns the original status, for status.FromError.
func (e *Error) GRPCStatus() *status.Status {
	return e.status
}

// ItemError returns the same [*Error] for a failed batch item that a single call would have returned, or nil if the item
// succeeded.
func ItemError(result *v1.BatchGetConfigResult) error {
	item := result.GetError()
	if item == nil {
		return nil
	}
	violations := &errdetails.BadRequest{}
	for _, violation := range item.GetFieldViolations() {
		violations.FieldViolations = append(violations.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: violation.GetField(), Description: violation.GetDescription(),
		})
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{
		Reason: Reason(item.GetReason()).String(), Domain: domain, Metadata: item.GetMetadata(),
	}}
	if len(violations.FieldViolations) > 0 {
		details = append(details, violations)
	}
	if item.GetDetail() != nil {
		details = append(details, item.GetDetail())
	}
	failed, err := status.New(codes.Code(item.GetCode()), item.GetMessage()).WithDetails(details...)
	if err != nil {
		return err
	}
	return newError(failed.Err())
}

func newError(err error) *Error {
	from := status.Convert(err)
	result := &Error{Code: from.Code(), Message: from.Message(), status: from}
	var info *errdetails.ErrorInfo
	var ours *v1.ErrorDetail
	for _, detail := range from.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == domain {
				info = detail
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				result.FieldViolations = append(result.FieldViolations, FieldViolation{
					Field: violation.GetField(), Description: violation.GetDescription(),
				})
			}
		case *v1.ErrorDetail:
			ours = detail
		}
	}
	if info != nil { // otherwise the error is not from qconfig
		result.Reason = Reason(v1.ErrorReason_value[reasonPrefix+info.GetReason()])
		result.Metadata = info.GetMetadata()
		result.setDetail(ours)
	}
	return result
}

// explained adds to the message of a failed connection what it probably means.
func (e *Error) explained(where endpoint) *Error {
	if e.Code == codes.Unavailable && e.Reason == 0 {
		if hint := where.hint(e.Message); hint != "" {
			e.Message += " (hint: " + hint + ")"
		}
	}
	return e
}

func (e *Error) setDetail(detail *v1.ErrorDetail) {
	e.Field = detail.GetField()
	e.Value = detail.GetValue()
	e.Allowed = detail.GetAllowed()
	e.AllowedTotal = int(detail.GetAllowedTotal())
	e.Suggestions = detail.GetSuggestions()
	e.SuggestionReasons = detail.GetSuggestionReasons()
	e.Advice = detail.GetAdvice()
	e.Rule = detail.GetRule()
	e.RequiredRole = detail.GetRequiredRole()
	e.RetryAfterMs = detail.GetRetryAfterMs()
	e.Tenant = detail.GetTenant()
	e.Catalog = detail.GetCatalog()
	e.FirstRevision = detail.GetFirstRevision()
	e.NewestRevision = detail.GetNewestRevision()
	e.Findings = detail.GetFindings()
	e.FindingTotal = detail.GetFindingTotal()
}
