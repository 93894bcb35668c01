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
	Reason  Reason // 0: not the server's word, or of a newer server
	Message string // for people

	// What the server says of the request's field that is wrong. Empty where it does not apply.
	Field      string // its path, such as "layer_config[3].scheme"
	Value      string // what it was
	Allowed    string // what it may be
	Suggestion string // what was probably meant

	Metadata        map[string]string // the four above, and what else the server says, such as "catalog" and "rule"
	FieldViolations []FieldViolation

	status *status.Status
}

// FieldViolation is one field of a request that is wrong.
type FieldViolation struct {
	Field       string
	Description string
}

const domain = "qconfig"

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
	failed, err := status.New(codes.Code(item.GetCode()), item.GetMessage()).WithDetails(details...)
	if err != nil {
		return err
	}
	return newError(failed.Err())
}

func newError(err error) *Error {
	from := status.Convert(err)
	result := &Error{Code: from.Code(), Message: from.Message(), status: from}
	for _, detail := range from.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() != domain {
				continue
			}
			result.Reason = Reason(v1.ErrorReason_value[reasonPrefix+detail.GetReason()])
			result.Metadata = detail.GetMetadata()
			result.Field = result.Metadata["field"]
			result.Value = result.Metadata["value"]
			result.Allowed = result.Metadata["allowed"]
			result.Suggestion = result.Metadata["suggestion"]
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				result.FieldViolations = append(result.FieldViolations, FieldViolation{
					Field: violation.GetField(), Description: violation.GetDescription(),
				})
			}
		}
	}
	return result
}
