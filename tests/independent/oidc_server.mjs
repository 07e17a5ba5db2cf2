/*
 * oidc-provider (npm) as the issuer of IBEX's OAuth 2 client-credentials flow, and a hub that
 * takes the raw token.
 *
 * Of this project are only: the token path of Auth0 (`/oauth/token`), the renaming of Auth0's
 * `audience` to RFC 8707's `resource`, and the hub. The grant, the client's authentication, the
 * token and the refusals are oidc-provider's. README.md beside this file says where that differs
 * from Auth0.
 *
 * Life of a token in seconds: OIDC_ACCESS_SECONDS (5).
 */

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';

const AUDIENCE = 'https://hub.example';
const CLIENT_ID = 'hub-client';
const CLIENT_SECRET = `canary-${randomBytes(18).toString('base64url')}`;
const LIFE = Number(process.env.OIDC_ACCESS_SECONDS ?? 5);

/** Listens on a loopback port of the system's choice; answers the origin. */
function listen(server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

async function readBody(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function issuerOn(origin) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'one' };

  const provider = new Provider(origin, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    jwks: { keys: [key] },
    routes: { token: '/oauth/token' },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_ctx, resource) {
          if (resource !== AUDIENCE) throw new errors.InvalidTarget('no such audience');
          return { scope: '', audience: AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: LIFE };
        },
      },
    },
  });

  // Auth0 asks for the resource by another name. An absent audience is refused here, since
  // oidc-provider would answer it with an opaque token for no resource at all.
  provider.use(async (ctx, next) => {
    if (ctx.path === '/oauth/token' && ctx.method === 'POST' && ctx.is('application/x-www-form-urlencoded')) {
      const form = new URLSearchParams(await readBody(ctx.req));
      const audience = form.get('audience');
      form.delete('audience');
      form.set('resource', audience ?? 'urn:none');
      ctx.req.body = Object.fromEntries(form);
    }
    await next();
  });
  return provider;
}

/** The hub: `Authorization: <token>` without a scheme word; `Bearer` is refused, as at the vendor's. */
function hubOf(issuer) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const state = { seen: new Set(), dead: new Set(), accepted: 0, refused: 0 };

  async function claimsOf(header) {
    if (!header || /\s/.test(header)) return undefined;
    try {
      const { payload } = await jwtVerify(header, keys, { issuer, audience: AUDIENCE });
      return state.dead.has(payload.jti) ? undefined : payload;
    } catch {
      return undefined;
    }
  }

  return createServer(async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    };
    const body = await readBody(request);
    if (request.method === 'POST' && request.url === '/control/refuse-issued') {
      // Every token that the hub has met so far: as if the issuer had withdrawn them.
      state.dead = new Set(state.seen);
      return answer(204);
    }
    if (request.method === 'GET' && request.url === '/control/counts') {
      return answer(200, { accepted: state.accepted, refused: state.refused });
    }
    if (request.url !== '/echo') return answer(404, { error: 'not found' });
    const claims = await claimsOf(request.headers.authorization);
    if (!claims) {
      state.refused += 1;
      return answer(401);
    }
    state.accepted += 1;
    state.seen.add(claims.jti);
    return answer(200, { method: request.method, sub: claims.sub, jti: claims.jti, exp: claims.exp, body });
  });
}

// The issuer's name holds its port, so the port is taken before the provider is made.
const issuerServer = createServer();
const issuer = await listen(issuerServer);
issuerServer.on('request', (await issuerOn(issuer)).callback());
const hubServer = hubOf(issuer);
const hub = await listen(hubServer);

for (const [key, value] of Object.entries({
  COUNTERSIGN_IBEX_ISSUER: issuer,
  COUNTERSIGN_IBEX_AUDIENCE: AUDIENCE,
  COUNTERSIGN_IBEX_CLIENT_ID: CLIENT_ID,
  COUNTERSIGN_IBEX_CLIENT_SECRET: CLIENT_SECRET,
  COUNTERSIGN_IBEX_HUB: hub,
  COUNTERSIGN_IBEX_ECHO: `${hub}/echo`,
  COUNTERSIGN_IBEX_ACCESS_SECONDS: LIFE,
  READY: 'yes',
})) {
  process.stdout.write(`${key}=${value}\n`);
}

function end() {
  process.exit(0);
}
process.on('SIGTERM', end);
process.on('SIGINT', end);
process.stdin.on('end', end);
process.stdin.on('close', end);
process.stdin.resume();
