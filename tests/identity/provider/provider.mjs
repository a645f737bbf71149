// An OpenID provider (npm oidc-provider, OpenID certified) with its own pages to sign in: node provider.mjs MODULES PORT REDIRECT SECRET IN_TOKEN
import { pathToFileURL } from "node:url";

const [modules, port, redirect, secret, inToken] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "bianban", client_secret: secret, redirect_uris: [redirect] }],
  claims: { openid: ["sub"], profile: ["preferred_username"] },
  conformIdTokenClaims: inToken !== "in-token",
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: `subject-${id}`, preferred_username: id }) }),
  pkce: { required: () => true },
  cookies: { keys: ["tests"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
