// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	qconfig "github.com/qconfig/qconfig/client/go"
)

// call makes a call and returns the response as ProtoJSON.
type call func(context.Context) (json.RawMessage, error)

// list reads all pages and returns the entries as ProtoJSON.
type list func(context.Context) ([]json.RawMessage, error)

func newMethods(client *qconfig.Client) map[string]func(json.RawMessage) (call, error) {
	return map[string]func(json.RawMessage) (call, error){
		"GetConfig":          newCall(client.GetConfig),
		"BatchGetConfig":     newCall(client.BatchGetConfig),
		"PlanLayers":         newCall(client.PlanLayers),
		"ListTemplates":      newCall(client.ListTemplates),
		"GetTemplate":        newCall(client.GetTemplate),
		"ListSchemes":        newCall(client.ListSchemes),
		"GetScheme":          newCall(client.GetScheme),
		"ListCatalogs":       newCall(client.ListCatalogs),
		"WhoAmI":             newCall(client.WhoAmI),
		"RegisterScheme":     newCall(client.RegisterScheme),
		"UnregisterScheme":   newCall(client.UnregisterScheme),
		"RegisterTemplate":   newCall(client.RegisterTemplate),
		"UnregisterTemplate": newCall(client.UnregisterTemplate),
		"SetDefaultCatalog":  newCall(client.SetDefaultCatalog),
		"ListChanges":        newCall(client.ListChanges),
	}
}

func newLists(client *qconfig.Client) map[string]func(json.RawMessage) (list, error) {
	return map[string]func(json.RawMessage) (list, error){
		"ListTemplates": newList(client.AllTemplates),
		"ListSchemes":   newList(client.AllSchemes),
		"ListChanges":   newList(client.AllChanges),
	}
}

func newCall[Request, Response proto.Message](method func(context.Context, Request, ...grpc.CallOption) (Response, error)) func(json.RawMessage) (call, error) {
	return func(text json.RawMessage) (call, error) {
		request, err := parse[Request](text)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (json.RawMessage, error) {
			response, err := method(ctx, request)
			if err != nil {
				return nil, err
			}
			return protojson.Marshal(response)
		}, nil
	}
}

func newList[Request, Entry proto.Message](all func(context.Context, Request, ...grpc.CallOption) iter.Seq2[Entry, error]) func(json.RawMessage) (list, error) {
	return func(text json.RawMessage) (list, error) {
		request, err := parse[Request](text)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) ([]json.RawMessage, error) {
			entries := []json.RawMessage{}
			for entry, err := range all(ctx, request) {
				if err != nil {
					return nil, err
				}
				text, err := protojson.Marshal(entry)
				if err != nil {
					return nil, err
				}
				entries = append(entries, text)
			}
			return entries, nil
		}, nil
	}
}

func parse[Request proto.Message](text json.RawMessage) (Request, error) {
	var none Request
	request := none.ProtoReflect().New().Interface().(Request)
	return request, protojson.Unmarshal(text, request)
}
