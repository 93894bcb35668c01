// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// VerifyDigest reports whether config_digest is the digest of canonical_json. It returns an error if the response has no
// canonical_json, which the server sends if the request sets include_canonical_json.
func VerifyDigest(response *v1.GetConfigResponse) (bool, error) {
	if response.GetCanonicalJson() == "" {
		return false, errors.New("the response has no canonical_json: set include_canonical_json in the request")
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(response.GetCanonicalJson()))) == response.GetConfigDigest(), nil
}

// NewRequestID returns a random UUID (version 4) for a write that may be retried.
func NewRequestID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6] = id[6]&0x0F | 0x40 // version 4
	id[8] = id[8]&0x3F | 0x80 // variant of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
