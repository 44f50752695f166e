// The certified oidc-provider as somebody's identity provider: prints its issuer when it listens. Whoever signs in as
// NAME is NAME@example.org, in the groups that the last argument gives them. Every sign-in asks for login and consent.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [clientId, clientSecret, motet, redirectPath, groups] = process.argv.slice(2);
const membership = JSON.parse(groups ?? "{}");
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [`${motet}${redirectPath}`],
        post_logout_redirect_uris: [`${motet}/account`],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    cookies: { keys: ["not a secret"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.org`,
        email_verified: !id.startsWith("unverified"),
        name: `${id} of Example`,
        groups: membership[id] ?? [],
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
