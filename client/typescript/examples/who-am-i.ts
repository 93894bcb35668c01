// SPDX-License-Identifier: Apache-2.0
import { Client, Role } from "qconfig-client";

const client = new Client({ server: "qconfig.example.com:50051", tls: { ca: "ca.crt" }, tokenFile: "token" });
const me = await client.whoAmI();
for (const { role, tenants } of me.grants) console.log(me.principal, Role[role], tenants);
client.close();
