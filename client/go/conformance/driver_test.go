// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Nothing listens on port 1. The conformance cases cover the behaviour with a server.
func TestRun(t *testing.T) {
	for _, test := range []struct{ lines, key, want string }{
		{`junk`, "driver_error", "invalid character"},
		{`{"op":"fly"}`, "driver_error", "unknown operation"},
		{`{"op":"call","method":"GetConfig"}`, "driver_error", "connect first"},
		{`{"op":"all","method":"ListSchemes"}`, "driver_error", "connect first"},
		{`{"op":"connect","server":"127.0.0.1:1"}`, "ok", "true"},
		{`{"op":"connect","server":"127.0.0.1:1","tls":{"ca":"nowhere.pem"}}`, "driver_error", "nowhere.pem"},
		{`{"op":"connect","server":"127.0.0.1:1"}` + "\n" + `{"op":"call","method":"GetConfig","request":{}}`, "error", `"code":"UNAVAILABLE","reason":""`},
		{`{"op":"connect","server":"127.0.0.1:1"}` + "\n" + `{"op":"call","method":"Fly"}`, "driver_error", "unknown method"},
		{`{"op":"connect","server":"127.0.0.1:1"}` + "\n" + `{"op":"call","method":"GetConfig","request":{"nope":1}}`, "driver_error", "nope"},
		{`{"op":"connect","server":"127.0.0.1:1"}` + "\n" + `{"op":"all","method":"GetConfig"}`, "driver_error", "unknown list"},
		{`{"op":"connect","server":"127.0.0.1:1"}` + "\n" + `{"op":"all","method":"ListSchemes","timeout_s":0.01}`, "error", `"type":"*qconfig.Error"`},
		{`{"op":"connect","server":"127.0.0.1:1"}` + "\n" + `{"op":"parallel","count":3,"method":"ListCatalogs","timeout_s":0.01}`, "errors", `[{"code"`},
		{`{"op":"verify_digest","response":{}}`, "error", "canonical_json"},
		{`{"op":"verify_digest","response":{"canonical_json":"{}"}}`, "ok", "false"},
	} {
		var out bytes.Buffer
		if err := run(strings.NewReader(test.lines+"\n"), &out); err != nil {
			t.Fatal(err)
		}
		answers := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if count := strings.Count(test.lines, "\n") + 1; len(answers) != count {
			t.Errorf("%s: %d answers, want %d", test.lines, len(answers), count)
		}
		var last map[string]json.RawMessage
		if err := json.Unmarshal([]byte(answers[len(answers)-1]), &last); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(last[test.key]), test.want) {
			t.Errorf("%s: %s", test.lines, out.String())
		}
	}
}
