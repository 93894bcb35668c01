// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"testing"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

func TestVerifyDigest(t *testing.T) {
	const digestOfBraces = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	for _, test := range []struct {
		json, digest string
		ok, fails    bool
	}{
		{"{}", digestOfBraces, true, false},
		{"{ }", digestOfBraces, false, false},
		{"", digestOfBraces, false, true},
	} {
		ok, err := qconfig.VerifyDigest(&v1.GetConfigResponse{CanonicalJson: test.json, ConfigDigest: test.digest})
		if ok != test.ok || (err != nil) != test.fails {
			t.Errorf("%q: %v, %v", test.json, ok, err)
		}
	}
}
