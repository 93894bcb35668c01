// SPDX-License-Identifier: Apache-2.0

// Command get_config requests a configuration from a qconfig server, and then one with a scheme that does not exist.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

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

	spec := &v1.ConfigSpec{
		ModelType:     "llama",
		Scheme:        "fp8",
		KvCacheScheme: "fp8",
		LayerConfig:   []*v1.LayerConfigEntry{{Pattern: "*mlp*", Scheme: "mxfp4"}},
	}
	response, err := client.GetConfig(context.Background(), &v1.GetConfigRequest{Spec: spec})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("catalog:", response.GetCatalog())
	fmt.Println("digest:", response.GetConfigDigest()[:12])
	fmt.Println("overrides:", len(response.GetConfig().GetLayerQuantConfig()))

	spec.Scheme = "int4_wo_12"
	_, err = client.GetConfig(context.Background(), &v1.GetConfigRequest{Spec: spec})
	var failed *qconfig.Error
	if errors.Is(err, qconfig.ErrSchemeNotFound) && errors.As(err, &failed) {
		fmt.Printf("%v: did you mean %s?\n", failed.Reason, strings.Join(failed.Suggestions, ", "))
	}
}
