// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"strings"

	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// Reason is the reason for which the server rejected a call. It is an error, for errors.Is(err, qconfig.ErrSchemeNotFound);
// [v1.ErrorReason] documents the reasons. It is 0 if the error does not come from the server, for example because the server
// is unreachable, and for reasons that this client does not know.
type Reason v1.ErrorReason

// The reasons of the server.
const (
	ErrInvalidRequest             = Reason(v1.ErrorReason_ERROR_REASON_INVALID_REQUEST)
	ErrTemplateNotFound           = Reason(v1.ErrorReason_ERROR_REASON_TEMPLATE_NOT_FOUND)
	ErrSchemeNotFound             = Reason(v1.ErrorReason_ERROR_REASON_SCHEME_NOT_FOUND)
	ErrCatalogNotFound            = Reason(v1.ErrorReason_ERROR_REASON_CATALOG_NOT_FOUND)
	ErrUnsupportedAlgorithm       = Reason(v1.ErrorReason_ERROR_REASON_UNSUPPORTED_ALGORITHM)
	ErrUnsupportedKVCacheScheme   = Reason(v1.ErrorReason_ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME)
	ErrUnsupportedAttentionScheme = Reason(v1.ErrorReason_ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME)
	ErrAlgorithmConfigMissing     = Reason(v1.ErrorReason_ERROR_REASON_ALGORITHM_CONFIG_MISSING)
	ErrInvalidAlgorithmConfig     = Reason(v1.ErrorReason_ERROR_REASON_INVALID_ALGORITHM_CONFIG)
	ErrRevisionInFuture           = Reason(v1.ErrorReason_ERROR_REASON_REVISION_IN_FUTURE)
	ErrAnswerTooLarge             = Reason(v1.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE)
	ErrMessageTooLarge            = Reason(v1.ErrorReason_ERROR_REASON_MESSAGE_TOO_LARGE)
	ErrShuttingDown               = Reason(v1.ErrorReason_ERROR_REASON_SHUTTING_DOWN)
	ErrSchemeExists               = Reason(v1.ErrorReason_ERROR_REASON_SCHEME_EXISTS)
	ErrInvalidTensorConfig        = Reason(v1.ErrorReason_ERROR_REASON_INVALID_TENSOR_CONFIG)
	ErrBuiltinReadOnly            = Reason(v1.ErrorReason_ERROR_REASON_BUILTIN_READ_ONLY)
	ErrEtagMismatch               = Reason(v1.ErrorReason_ERROR_REASON_ETAG_MISMATCH)
	ErrRevisionCompacted          = Reason(v1.ErrorReason_ERROR_REASON_REVISION_COMPACTED)
	ErrRequestIDReused            = Reason(v1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	ErrQuotaExceeded              = Reason(v1.ErrorReason_ERROR_REASON_QUOTA_EXCEEDED)
	ErrStorageUnavailable         = Reason(v1.ErrorReason_ERROR_REASON_STORAGE_UNAVAILABLE)
	ErrStorageFull                = Reason(v1.ErrorReason_ERROR_REASON_STORAGE_FULL)
	ErrNotInCatalog               = Reason(v1.ErrorReason_ERROR_REASON_NOT_IN_CATALOG)
	ErrOverloaded                 = Reason(v1.ErrorReason_ERROR_REASON_OVERLOADED)
	ErrRevisionLost               = Reason(v1.ErrorReason_ERROR_REASON_REVISION_LOST)
	ErrRevisionMismatch           = Reason(v1.ErrorReason_ERROR_REASON_REVISION_MISMATCH)
	ErrTemplateExists             = Reason(v1.ErrorReason_ERROR_REASON_TEMPLATE_EXISTS)
	ErrPlanHasFindings            = Reason(v1.ErrorReason_ERROR_REASON_PLAN_HAS_FINDINGS)
	ErrCredentialsMissing         = Reason(v1.ErrorReason_ERROR_REASON_CREDENTIALS_MISSING)
	ErrCredentialsInvalid         = Reason(v1.ErrorReason_ERROR_REASON_CREDENTIALS_INVALID)
	ErrPermissionDenied           = Reason(v1.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
	ErrAuditUnavailable           = Reason(v1.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE)
	ErrRateLimited                = Reason(v1.ErrorReason_ERROR_REASON_RATE_LIMITED)
)

const reasonPrefix = "ERROR_REASON_"

// String returns the name on the wire, such as "SCHEME_NOT_FOUND"; empty for 0.
func (r Reason) String() string {
	if r == 0 {
		return ""
	}
	return strings.TrimPrefix(v1.ErrorReason(r).String(), reasonPrefix)
}

// Error returns the same as String.
func (r Reason) Error() string {
	return r.String()
}
