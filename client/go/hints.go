// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

//go:embed connection_hints.json
var connectionHintsJSON []byte

// connectionHint is what a failed connection means if all its conditions hold.
type connectionHint struct {
	ServerBegins  string `json:"server_begins"`
	ServerHasPort *bool  `json:"server_has_port"`
	TLS           *bool  `json:"tls"`
	Cert          *bool  `json:"cert"`
	Message       string `json:"message"`
	Text          string `json:"text"`
}

type connectionHints struct {
	Options  map[string]map[string]string
	Messages map[string][]string
	Hints    []connectionHint
}

// loadHints returns the hints that all clients share, in their order, with the names of this client's options.
var loadHints = sync.OnceValue(func() connectionHints {
	var data connectionHints
	if err := json.Unmarshal(connectionHintsJSON, &data); err != nil {
		panic(err) // the file is part of the package
	}
	for name, option := range data.Options["go"] {
		for i := range data.Hints {
			data.Hints[i].Text = strings.ReplaceAll(data.Hints[i].Text, "{"+name+"}", option)
		}
	}
	return data
})

// endpoint is what the hints need to know of a client.
type endpoint struct {
	server    string
	tls, cert bool
}

func (o Options) endpoint() endpoint {
	cert := o.TLS != nil && (len(o.TLS.Certificates) > 0 || o.TLS.GetClientCertificate != nil)
	return endpoint{server: o.Server, tls: o.TLS != nil, cert: cert}
}

// hint returns what the message of a call that failed with UNAVAILABLE probably means, or "" if nothing is known.
func (e endpoint) hint(message string) string {
	hints := loadHints()
	contains := func(part string) bool { return strings.Contains(message, part) }
	for _, hint := range hints.Hints {
		if e.matches(hint) && (hint.Message == "" || slices.ContainsFunc(hints.Messages[hint.Message], contains)) {
			return hint.Text
		}
	}
	return ""
}

func (e endpoint) matches(hint connectionHint) bool {
	is := func(wanted *bool, value bool) bool { return wanted == nil || *wanted == value }
	return strings.HasPrefix(e.server, hint.ServerBegins) && is(hint.ServerHasPort, strings.Contains(e.server, ":")) &&
		is(hint.TLS, e.tls) && is(hint.Cert, e.cert)
}
