// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// operation is one line of input: the name, and what the operations take.
type operation struct {
	Op string `json:"op"`

	Server  string  `json:"server"`
	Tenant  string  `json:"tenant"`
	Catalog string  `json:"catalog"`
	Timeout float64 `json:"timeout_s"`
	TLS     *struct {
		CA   string `json:"ca"`
		Cert string `json:"cert"`
		Key  string `json:"key"`
	} `json:"tls"`

	Method   string          `json:"method"`
	Request  json.RawMessage `json:"request"`
	Count    int             `json:"count"`
	Response json.RawMessage `json:"response"`
}

type driver struct {
	client  *qconfig.Client
	methods map[string]func(json.RawMessage) (call, error)
	lists   map[string]func(json.RawMessage) (list, error)
}

var errNotConnected = errors.New("no client: connect first")

func (d *driver) do(asked operation) (any, error) {
	switch asked.Op {
	case "connect":
		return d.connect(asked)
	case "call":
		return d.call(asked)
	case "all":
		return d.all(asked)
	case "parallel":
		return d.parallel(asked)
	case "verify_digest":
		return verifyDigest(asked)
	}
	return nil, fmt.Errorf("no such operation: %q", asked.Op)
}

func (d *driver) close() {
	if d.client != nil {
		d.client.Close()
		d.client = nil
	}
}

func (d *driver) connect(asked operation) (any, error) {
	d.close()
	options := qconfig.Options{
		Server: asked.Server, Tenant: asked.Tenant, Catalog: asked.Catalog, Timeout: seconds(asked.Timeout),
	}
	if asked.TLS != nil {
		config, err := qconfig.LoadTLS(asked.TLS.CA, asked.TLS.Cert, asked.TLS.Key)
		if err != nil {
			return nil, err
		}
		options.TLS = config
	}
	client, err := qconfig.NewClient(options)
	if err != nil {
		return nil, err
	}
	d.client, d.methods, d.lists = client, methodsOf(client), listsOf(client)
	return map[string]bool{"ok": true}, nil
}

func (d *driver) call(asked operation) (any, error) {
	call, err := d.prepare(asked)
	if err != nil {
		return nil, err
	}
	ctx, cancel := contextOf(asked)
	defer cancel()
	response, err := call(ctx)
	if err != nil {
		return map[string]callError{"error": errorOf(err)}, nil
	}
	return map[string]json.RawMessage{"response": response}, nil
}

func (d *driver) parallel(asked operation) (any, error) {
	call, err := d.prepare(asked)
	if err != nil {
		return nil, err
	}
	ctx, cancel := contextOf(asked)
	defer cancel()
	responses, failures := make([]json.RawMessage, asked.Count), make([]error, asked.Count)
	var running sync.WaitGroup
	for i := range asked.Count {
		running.Add(1)
		go func() {
			defer running.Done()
			responses[i], failures[i] = call(ctx)
		}()
	}
	running.Wait()

	answer := struct {
		Responses []json.RawMessage `json:"responses"`
		Errors    []callError       `json:"errors"`
	}{[]json.RawMessage{}, []callError{}}
	for i, err := range failures {
		if err == nil {
			answer.Responses = append(answer.Responses, responses[i])
			continue
		}
		answer.Errors = append(answer.Errors, errorOf(err))
	}
	return answer, nil
}

func (d *driver) all(asked operation) (any, error) {
	if d.client == nil {
		return nil, errNotConnected
	}
	of, known := d.lists[asked.Method]
	if !known {
		return nil, fmt.Errorf("no such list: %q", asked.Method)
	}
	list, err := of(requestOf(asked))
	if err != nil {
		return nil, err
	}
	ctx, cancel := contextOf(asked)
	defer cancel()
	entries, err := list(ctx)
	if err != nil {
		return map[string]callError{"error": errorOf(err)}, nil
	}
	return map[string][]json.RawMessage{"responses": entries}, nil
}

// prepare is the call that was asked for, ready to be made.
func (d *driver) prepare(asked operation) (call, error) {
	if d.client == nil {
		return nil, errNotConnected
	}
	of, known := d.methods[asked.Method]
	if !known {
		return nil, fmt.Errorf("no such method: %q", asked.Method)
	}
	return of(requestOf(asked))
}

func verifyDigest(asked operation) (any, error) {
	response := &v1.GetConfigResponse{}
	if err := protojson.Unmarshal(asked.Response, response); err != nil {
		return nil, err
	}
	ok, err := qconfig.VerifyDigest(response)
	if err != nil {
		return map[string]callError{"error": {Message: err.Error()}}, nil
	}
	return map[string]bool{"ok": ok}, nil
}

func requestOf(asked operation) json.RawMessage {
	if asked.Request == nil {
		return json.RawMessage("{}")
	}
	return asked.Request
}

// contextOf has the operation's own timeout; without one, the client's counts.
func contextOf(asked operation) (context.Context, context.CancelFunc) {
	if asked.Timeout == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), seconds(asked.Timeout))
}

func seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}
