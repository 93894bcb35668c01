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

// Error is why a call failed. Get it with errors.As, ask for a reason with errors.Is(err, qconfig.ErrSchemeNotFound), and
// for gRPC's status with status.FromError or status.Code.
type Error struct {
	Code    codes.Code
	Reason  Reason // 0: the server gave no reason, or one that this client does not know
	Message string // for people

	// What the server's ErrorDetail says. Each is empty or 0 where it does not apply.
	Field          string   // the path of the request's field that is wrong, such as "spec.layer_config[3].scheme"
	Value          string   // the field's value, cut to 128 characters
	Allowed        []string // values that are accepted, at most 10
	AllowedTotal   int      // how many values are accepted in total
	Suggestions    []string // values that the caller probably meant, the best first, at most 3
	Rule           string   // the rule that a tensor's configuration breaks
	Tenant         string
	Catalog        string
	FirstRevision  int64 // the oldest revision of the tenant's registry that can be read
	NewestRevision int64 // the newest revision of the tenant's registry

	Metadata        map[string]string // of the server's google.rpc.ErrorInfo
	FieldViolations []FieldViolation

	status *status.Status
}

// FieldViolation is one field of a request that is wrong.
type FieldViolation struct {
	Field       string
	Description string
}

const domain = "qconfig.dev"

// Error is the reason, or gRPC's code where there is none, and the message, which names the field, the value and what was
// probably meant.
func (e *Error) Error() string {
	if e.Reason == 0 {
		return fmt.Sprintf("qconfig: %v: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("qconfig: %v: %s", e.Reason, e.Message)
}

// Is makes errors.Is true for the error's [Reason] and, where there is none, for [context.DeadlineExceeded] and
// [context.Canceled] if the Code says that.
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

// GRPCStatus is the status as it came, for status.FromError.
func (e *Error) GRPCStatus() *status.Status {
	return e.status
}

// ItemError is the failure of one item of a batch, as a call of its own would have given it. nil for an item that succeeded.
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
	if info != nil { // without it, the status is not qconfig's
		result.Reason = Reason(v1.ErrorReason_value[reasonPrefix+info.GetReason()])
		result.Metadata = info.GetMetadata()
		result.setDetail(ours)
	}
	return result
}

func (e *Error) setDetail(detail *v1.ErrorDetail) {
	e.Field = detail.GetField()
	e.Value = detail.GetValue()
	e.Allowed = detail.GetAllowed()
	e.AllowedTotal = int(detail.GetAllowedTotal())
	e.Suggestions = detail.GetSuggestions()
	e.Rule = detail.GetRule()
	e.Tenant = detail.GetTenant()
	e.Catalog = detail.GetCatalog()
	e.FirstRevision = detail.GetFirstRevision()
	e.NewestRevision = detail.GetNewestRevision()
}
