// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protojson"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// callError is a failed call in the format of the runner.
type callError struct {
	Code            string            `json:"code"`
	Reason          string            `json:"reason"`
	Message         string            `json:"message"`
	Field           string            `json:"field"`
	Value           string            `json:"value"`
	Allowed         []string          `json:"allowed"`
	AllowedTotal    int               `json:"allowed_total"`
	Suggestions     []string          `json:"suggestions"`
	Rule            string            `json:"rule"`
	RequiredRole    string            `json:"required_role"`
	RetryAfterMs    int64             `json:"retry_after_ms"`
	Tenant          string            `json:"tenant"`
	Catalog         string            `json:"catalog"`
	FirstRevision   int64             `json:"first_revision"`
	NewestRevision  int64             `json:"newest_revision"`
	Findings        []finding         `json:"findings"`
	FindingTotal    int64             `json:"finding_total"`
	Metadata        map[string]string `json:"metadata"`
	FieldViolations []fieldViolation  `json:"field_violations"`
	Type            string            `json:"type"`
}

type fieldViolation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

type finding struct{ *v1.Finding }

// MarshalJSON returns ProtoJSON.
func (f finding) MarshalJSON() ([]byte, error) {
	return protojson.Marshal(f.Finding)
}

func newCallError(err error) callError {
	var failed *qconfig.Error
	if !errors.As(err, &failed) {
		return callError{Code: code.Code_UNKNOWN.String(), Message: err.Error(), Type: fmt.Sprintf("%T", err)}
	}
	result := callError{
		Code:            code.Code(failed.Code).String(),
		Reason:          failed.Reason.String(),
		Message:         failed.Message,
		Field:           failed.Field,
		Value:           failed.Value,
		Allowed:         append([]string{}, failed.Allowed...),
		AllowedTotal:    failed.AllowedTotal,
		Suggestions:     append([]string{}, failed.Suggestions...),
		Rule:            failed.Rule,
		RequiredRole:    failed.RequiredRole,
		RetryAfterMs:    failed.RetryAfterMs,
		Tenant:          failed.Tenant,
		Catalog:         failed.Catalog,
		FirstRevision:   failed.FirstRevision,
		NewestRevision:  failed.NewestRevision,
		Findings:        []finding{},
		FindingTotal:    failed.FindingTotal,
		Metadata:        map[string]string{},
		FieldViolations: []fieldViolation{},
		Type:            fmt.Sprintf("%T", failed),
	}
	for _, found := range failed.Findings {
		result.Findings = append(result.Findings, finding{found})
	}
	for key, value := range failed.Metadata {
		result.Metadata[key] = value
	}
	for _, violation := range failed.FieldViolations {
		result.FieldViolations = append(result.FieldViolations, fieldViolation(violation))
	}
	return result
}
