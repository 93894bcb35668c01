// SPDX-License-Identifier: Apache-2.0

// Command register_scheme registers a scheme on a qconfig server, replaces it, and uses it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"google.golang.org/protobuf/types/known/structpb"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

// int4Scheme returns a scheme that quantizes weights to int4, with one scale for each group of groupSize values.
func int4Scheme(groupSize float64) *v1.Scheme {
	fields := map[string]*structpb.Value{
		"ch_axis":    structpb.NewNumberValue(-1),
		"group_size": structpb.NewNumberValue(groupSize),
	}
	preset := &v1.SpecPreset{Spec: "Int4PerGroupSpec", Fields: &structpb.Struct{Fields: fields}}
	weight := &v1.TensorSpec{Spec: &v1.TensorSpec_Preset{Preset: preset}}
	return &v1.Scheme{Name: "my_int4", Spec: &v1.LayerSpec{Weight: weight}}
}

func main() {
	options := qconfig.Options{}
	if len(os.Args) > 1 {
		options.Server = os.Args[1]
	}
	client, err := qconfig.NewClient(options)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()

	first, err := client.RegisterScheme(ctx, &v1.RegisterSchemeRequest{Scheme: int4Scheme(48), Replace: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("revision %d, replaced: %t\n", first.GetRevision(), first.GetReplaced())

	etag := first.GetScheme().GetEtag()
	second, err := client.RegisterScheme(ctx, &v1.RegisterSchemeRequest{Scheme: int4Scheme(96), Etag: etag})
	if errors.Is(err, qconfig.ErrEtagMismatch) {
		log.Fatal("another client has changed the scheme")
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("revision %d, replaced: %t\n", second.GetRevision(), second.GetReplaced())

	response, err := client.GetConfig(ctx, &v1.GetConfigRequest{
		Revision: second.GetRevision(),
		Spec:     &v1.ConfigSpec{ModelType: "llama", Scheme: "my_int4"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("group size:", response.GetConfig().GetGlobalQuantConfig().GetWeight()[0].GetGroupSize())
}
