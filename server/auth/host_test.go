package auth

import (
	"encoding/base64"
	"testing"
	"time"

	"magpie/server/chat"
)

// FuzzHostClaims reads tokens with any claims. None panics, and what is taken keeps to the bounds.
func FuzzHostClaims(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	app := chat.App{ID: "oa-prod", EID: "acme"}
	for _, claims := range []string{
		`{"iss":"oa-prod","aud":"magpie","org":"acme","sub":"bob","jti":"12345678","iat":1800000000,"exp":1800000060}`,
		`{"iss":"oa-prod","aud":["x","magpie"],"org":"acme","sub":"bob","jti":"12345678","iat":1800000029.5,"exp":1800000300,"nbf":1,"name":" Bob ","email":"B@x.example","departments":["A/B","C"]}`,
		`{"iss":"oa-prod","aud":"magpie","org":"acme","sub":"bob","jti":"12345678","iat":1e308,"exp":-1e308}`, `{"iat":1e400}`, `null`, `[]`, `{"aud":[1]}`, `{"aud":null,"exp":null}`,
	} {
		f.Add(`{"alg":"HS256"}`, claims)
	}
	f.Add(`null`, `{}`)
	f.Add(`{"alg":"none"}`, `{}`)
	f.Add(`{"alg":["HS256"],"kid":7}`, `{}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		token := encode(header) + "." + encode(claims) + ".c2ln"
		var c hostClaims
		tok, err := parseHostToken(token, &c)
		if err != nil {
			return
		}
		if alg := tok.Method.Alg(); alg != "HS256" && alg != "ES256" && alg != "RS256" {
			t.Fatalf("algorithm %s", alg)
		}
		if checkAddressee(app, "", &c) != nil || checkHostClaims(app, &c, now) != nil {
			return
		}
		u, err := hostUser(&c)
		if err != nil {
			return
		}
		if !c.ExpiresAt.After(now) || c.ExpiresAt.After(now.Add(hostTokenLife+hostLeeway)) || c.Issuer != app.ID || c.Org != app.EID || len(c.ID) < hostJTILeast ||
			!chat.ValidUID(u.UID) || len(u.Departments) > hostDepartments {
			t.Fatalf("taken: %s %+v", claims, c)
		}
	})
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
