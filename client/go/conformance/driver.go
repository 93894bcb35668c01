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

// operation is one line of input: the name of the operation and the arguments of all operations.
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
	TokenFile             string `json:"token_file"`
	AllowUnencryptedToken bool   `json:"allow_unencrypted_token"`

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

var errNotConnected = errors.New("not connected: connect first")

func (d *driver) do(op operation) (any, error) {
	switch op.Op {
	case "connect":
		return d.connect(op)
	case "call":
		return d.call(op)
	case "all":
		return d.all(op)
	case "parallel":
		return d.parallel(op)
	case "verify_digest":
		return verifyDigest(op)
	}
	return nil, fmt.Errorf("unknown operation: %q", op.Op)
}

func (d *driver) close() {
	if d.client != nil {
		d.client.Close()
		d.client = nil
	}
}

func (d *driver) connect(op operation) (any, error) {
	d.close()
	options := qconfig.Options{
		Server: op.Server, Tenant: op.Tenant, Catalog: op.Catalog, Timeout: seconds(op.Timeout),
		TokenFile: op.TokenFile, AllowUnencryptedToken: op.AllowUnencryptedToken,
	}
	if op.TLS != nil {
		config, err := qconfig.LoadTLS(op.TLS.CA, op.TLS.Cert, op.TLS.Key)
		if err != nil {
			return nil, err
		}
		options.TLS = config
	}
	client, err := qconfig.NewClient(options)
	if err != nil {
		return nil, err
	}
	d.client, d.methods, d.lists = client, newMethods(client), newLists(client)
	return map[string]bool{"ok": true}, nil
}

func (d *driver) call(op operation) (any, error) {
	call, err := d.prepare(op)
	if err != nil {
		return nil, err
	}
	ctx, cancel := newContext(op)
	defer cancel()
	response, err := call(ctx)
	if err != nil {
		return map[string]callError{"error": newCallError(err)}, nil
	}
	return map[string]json.RawMessage{"response": response}, nil
}

func (d *driver) parallel(op operation) (any, error) {
	call, err := d.prepare(op)
	if err != nil {
		return nil, err
	}
	ctx, cancel := newContext(op)
	defer cancel()
	responses, failures := make([]json.RawMessage, op.Count), make([]error, op.Count)
	var running sync.WaitGroup
	for i := range op.Count {
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
		answer.Errors = append(answer.Errors, newCallError(err))
	}
	return answer, nil
}

func (d *driver) all(op operation) (any, error) {
	if d.client == nil {
		return nil, errNotConnected
	}
	of, known := d.lists[op.Method]
	if !known {
		return nil, fmt.Errorf("unknown list: %q", op.Method)
	}
	list, err := of(requestOrEmpty(op))
	if err != nil {
		return nil, err
	}
	ctx, cancel := newContext(op)
	defer cancel()
	entries, err := list(ctx)
	if err != nil {
		return map[string]callError{"error": newCallError(err)}, nil
	}
	return map[string][]json.RawMessage{"responses": entries}, nil
}

// prepare returns the requested call.
func (d *driver) prepare(op operation) (call, error) {
	if d.client == nil {
		return nil, errNotConnected
	}
	of, known := d.methods[op.Method]
	if !known {
		return nil, fmt.Errorf("unknown method: %q", op.Method)
	}
	return of(requestOrEmpty(op))
}

func verifyDigest(op operation) (any, error) {
	response := &v1.GetConfigResponse{}
	if err := protojson.Unmarshal(op.Response, response); err != nil {
		return nil, err
	}
	ok, err := qconfig.VerifyDigest(response)
	if err != nil {
		return map[string]callError{"error": {Message: err.Error()}}, nil
	}
	return map[string]bool{"ok": ok}, nil
}

func requestOrEmpty(op operation) json.RawMessage {
	if op.Request == nil {
		return json.RawMessage("{}")
	}
	return op.Request
}

// newContext returns a context with the timeout of the operation, if it has one.
func newContext(op operation) (context.Context, context.CancelFunc) {
	if op.Timeout == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), seconds(op.Timeout))
}

func seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}
