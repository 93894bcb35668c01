// SPDX-License-Identifier: Apache-2.0

package qconfig_test

import (
	"context"
	"fmt"
	"log"

	qconfig "github.com/qconfig/qconfig/client/go"
	v1 "github.com/qconfig/qconfig/client/go/qconfigv1"
)

func ExampleClient_WhoAmI() {
	tls, err := qconfig.LoadTLS("ca.crt", "", "")
	if err != nil {
		log.Fatal(err)
	}
	client, err := qconfig.NewClient(qconfig.Options{Server: "qconfig.example.com:50051", TLS: tls, TokenFile: "token"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	me, err := client.WhoAmI(context.Background(), &v1.WhoAmIRequest{})
	if err != nil {
		log.Fatal(err)
	}
	for _, grant := range me.GetGrants() {
		fmt.Println(me.GetPrincipal(), grant.GetRole(), grant.GetTenants())
	}
}
