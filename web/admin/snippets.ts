// What an app's pages and server need, filled in: to copy from the administration. docs/embedding.md explains it.

export interface Filled {
  app: string;
  /** The organisation. */
  org: string;
  /** Where Magpie is: an origin. */
  base: string;
}

export type Language = 'node' | 'go' | 'python' | 'php' | 'java';

export const languages: readonly (readonly [Language, string])[] = [
  ['node', 'Node.js'],
  ['go', 'Go'],
  ['python', 'Python'],
  ['php', 'PHP'],
  ['java', 'Java'],
];

export function tag({ app, base }: Filled): string {
  return `<script async src="${base}/embed/v1/loader.js"
  data-app="${app}" data-token-url="/api/im-token"></script>`;
}

export function element(o: Filled): string {
  return `${tag(o).replace('></script>', ' data-launcher="off"></script>')}

<magpie-chat chat="group:GROUP-ID"></magpie-chat>`;
}

/** What the Content-Security-Policy of the pages must allow. */
export function policy({ base }: Filled): string {
  return `script-src ${base}; frame-src ${base}`;
}

/** The part of a server that signs who is at its page. `user` is whoever its own session says. */
export function server(language: Language, { app, org }: Filled): string {
  return servers[language].replaceAll('APP', app).replaceAll('ORG', org);
}

const servers: Record<Language, string> = {
  node: `import { createHmac, randomUUID } from 'node:crypto';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function imToken(user) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'APP', aud: 'magpie', org: 'ORG', sub: user.id, name: user.name,
    jti: randomUUID(), iat: now, exp: now + 120 };
  const text = \`\${part({ alg: 'HS256', typ: 'JWT' })}.\${part(claims)}\`;
  return \`\${text}.\${createHmac('sha256', process.env.MAGPIE_SECRET).update(text).digest('base64url')}\`;
}

// POST /api/im-token, for whoever is signed in: { "token": imToken(user) }`,

  go: `import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"time"
)

func imToken(uid, name string) (string, error) {
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{"iss": "APP", "aud": "magpie", "org": "ORG",
		"sub": uid, "name": name, "jti": rand.Text(), "iat": now, "exp": now + 120})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(\`{"alg":"HS256","typ":"JWT"}\`)) + "." + b64.EncodeToString(claims)
	mac := hmac.New(sha256.New, []byte(os.Getenv("MAGPIE_SECRET")))
	mac.Write([]byte(text))
	return text + "." + b64.EncodeToString(mac.Sum(nil)), nil
}

// POST /api/im-token, for whoever is signed in: {"token": …}`,

  python: `import base64, hashlib, hmac, json, os, time, uuid

def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

def im_token(uid: str, name: str) -> str:
    now = int(time.time())
    claims = {"iss": "APP", "aud": "magpie", "org": "ORG", "sub": uid, "name": name,
              "jti": str(uuid.uuid4()), "iat": now, "exp": now + 120}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    mac = hmac.new(os.environ["MAGPIE_SECRET"].encode(), text.encode(), hashlib.sha256)
    return text + "." + part(mac.digest())

# POST /api/im-token, for whoever is signed in: {"token": im_token(uid, name)}`,

  php: `function im_token(string $uid, string $name): string {
    $part = fn(string $s) => rtrim(strtr(base64_encode($s), '+/', '-_'), '=');
    $now = time();
    $claims = ['iss' => 'APP', 'aud' => 'magpie', 'org' => 'ORG', 'sub' => $uid, 'name' => $name,
        'jti' => bin2hex(random_bytes(16)), 'iat' => $now, 'exp' => $now + 120];
    $text = $part('{"alg":"HS256","typ":"JWT"}') . '.' . $part(json_encode($claims));
    return $text . '.' . $part(hash_hmac('sha256', $text, getenv('MAGPIE_SECRET'), true));
}

// POST /api/im-token, for whoever is signed in: json_encode(['token' => im_token($uid, $name)])`,

  java: `// With Jackson's ObjectMapper, or any other that writes JSON.
static String imToken(String uid, String name) throws Exception {
  long now = Instant.now().getEpochSecond();
  var claims = Map.of("iss", "APP", "aud", "magpie", "org", "ORG", "sub", uid, "name", name,
      "jti", UUID.randomUUID().toString(), "iat", now, "exp", now + 120);
  var part = Base64.getUrlEncoder().withoutPadding();
  String text = part.encodeToString("{\\"alg\\":\\"HS256\\",\\"typ\\":\\"JWT\\"}".getBytes(UTF_8))
      + "." + part.encodeToString(new ObjectMapper().writeValueAsBytes(claims));
  Mac mac = Mac.getInstance("HmacSHA256");
  mac.init(new SecretKeySpec(System.getenv("MAGPIE_SECRET").getBytes(UTF_8), "HmacSHA256"));
  return text + "." + part.encodeToString(mac.doFinal(text.getBytes(UTF_8)));
}

// POST /api/im-token, for whoever is signed in: {"token": imToken(uid, name)}`,
};
