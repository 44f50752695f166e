// samlify as somebody's SAML identity provider: prints where it listens. It fetches our metadata by the entity id of the
// request, takes signed requests only, asks for a name, and posts its response by the browser as every provider does.
// Whoever signs in as NAME is NAME@example.org, in the groups that the last argument gives them; for who begins with
// `both` the response is signed too, and who begins with `stranger` is turned away.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import samlify from "samlify";

const [keyFile, certificateFile, motet, groups] = process.argv.slice(2);
const membership = JSON.parse(groups ?? "{}");
samlify.setSchemaValidator({ validate: async () => "it was read" });

const STATUS = "urn:oasis:names:tc:SAML:2.0:status:";
const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const attribute = (name, values) =>
  `<saml:Attribute Name="${name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">${values
    .map((value) => `<saml:AttributeValue xsi:type="xs:string">${escape(value)}</saml:AttributeValue>`)
    .join("")}</saml:Attribute>`;

const server = createServer(async (request, response) => {
  try {
    await answer(request, response);
  } catch (error) {
    response.writeHead(400).end(String(error?.stack ?? error));
  }
});
server.listen(0, "localhost", () => console.log(`http://localhost:${server.address().port}`));

function provider() {
  const own = `http://localhost:${server.address().port}`;
  return samlify.IdentityProvider({
    entityID: `${own}/metadata`,
    privateKey: readFileSync(keyFile),
    signingCert: readFileSync(certificateFile),
    wantAuthnRequestsSigned: true,
    nameIDFormat: ["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"],
    singleSignOnService: [{ Binding: samlify.Constants.namespace.binding.redirect, Location: `${own}/sso` }],
    loginResponseTemplate: { context: samlify.SamlLib.defaultLoginResponseTemplate.context, attributes: [] },
  });
}

async function serviceProvider(entityId, name) {
  if (!entityId.startsWith(`${motet}/auth/sso/`)) throw new Error(`who is ${entityId}?`);
  const metadata = await (await fetch(entityId)).text();
  return samlify.ServiceProvider({ metadata, wantMessageSigned: name.startsWith("both") });
}

async function answer(request, response) {
  const url = new URL(request.url, "http://localhost");
  const html = { "content-type": "text/html; charset=utf-8" };
  if (url.pathname === "/metadata") return response.end(provider().getMetadata());
  if (url.pathname !== "/sso") return response.writeHead(404).end();
  const query = Object.fromEntries(url.searchParams);
  const xml = samlify.Utility.inflateString(query.SAMLRequest);
  const sp = await serviceProvider(/<saml:Issuer>([^<]+)</.exec(xml)[1], query.name ?? "");
  const signed = url.search.slice(1, url.search.indexOf("&Signature="));
  const asked = await provider().parseLoginRequest(sp, "redirect", { query, octetString: signed });
  if (query.name === undefined) {
    const kept = Object.entries(query).map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`);
    return response.writeHead(200, html).end(`<h1>Who are you?</h1><form action="/sso">${kept.join("")}<input name="name"><button>Sign in</button></form>`);
  }
  const { context } = await provider().createLoginResponse(sp, asked, "post", {}, (template) => filled(template, sp, asked, query.name));
  const acs = sp.entityMeta.getAssertionConsumerService("post");
  const fields = { SAMLResponse: context, RelayState: query.RelayState };
  const kept = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`);
  response.writeHead(200, html).end(`<form method="post" action="${acs}">${kept.join("")}</form><script>document.forms[0].submit()</script>`);
}

function filled(template, sp, asked, name) {
  const [now, soon] = [0, 300_000].map((later) => new Date(Date.now() + later).toISOString());
  const [id, assertionId] = [0, 0].map(() => `_${crypto.randomUUID()}`);
  const acs = sp.entityMeta.getAssertionConsumerService("post");
  const statements =
    `<saml:AuthnStatement AuthnInstant="${now}" SessionIndex="${assertionId}"><saml:AuthnContext><saml:AuthnContextClassRef>` +
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>" +
    `</saml:AuthnStatement><saml:AttributeStatement>${attribute("mail", [`${name}@example.org`])}` +
    `${attribute("displayName", [`${name} of Example & Söhne`])}${attribute("groups", membership[name] ?? [])}</saml:AttributeStatement>`;
  const context = samlify.SamlLib.replaceTagsByValue(template, {
    ID: id,
    AssertionID: assertionId,
    Destination: acs,
    Audience: sp.entityMeta.getEntityID(),
    SubjectRecipient: acs,
    NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    NameID: `id-of-${name}`,
    Issuer: provider().entityMeta.getEntityID(),
    IssueInstant: now,
    ConditionsNotBefore: now,
    ConditionsNotOnOrAfter: soon,
    SubjectConfirmationDataNotOnOrAfter: soon,
    InResponseTo: asked.extract.request.id,
    StatusCode: STATUS + (name.startsWith("stranger") ? "Responder" : "Success"),
    AuthnStatement: "STATEMENTS",
    AttributeStatement: "",
  });
  return { id, context: context.replace("STATEMENTS", statements) };
}
