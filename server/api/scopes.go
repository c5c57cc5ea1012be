package api

import (
	"net/http"
	"strings"

	"magpie/server/chat"
)

// scopeOf returns which scope an API key needs for a call, by its path below /api/v1 as it is routed; empty where no key will do. What is new and
// elsewhere is for people alone until it is named here.
func scopeOf(method, path string) chat.Scope {
	reads := method == http.MethodGet || method == http.MethodHead
	below := func(places ...string) bool {
		for _, p := range places {
			if path == p || strings.HasPrefix(path, p+"/") {
				return true
			}
		}
		return false
	}
	switch {
	case reads && (path == "/me" || below("/users", "/departments", "/contacts", "/groups", "/conversations", "/presubscriptions", "/media", "/me/storage")):
		return chat.ScopeRead
	case !reads && below("/conversations", "/contacts", "/media", "/me/presence"), below("/uploads"):
		return chat.ScopeWrite
	case !reads && below("/groups", "/join"):
		return chat.ScopeGroups
	}
	return ""
}

// mayCall checks that a caller may make a call as far as its scopes say. A person has none and may; on another system's page that person's chat alone, and
// not what the account is.
func mayCall(id chat.Identity, method, path string) error {
	if id.Scopes == 0 {
		account := path == prefix+"/me" && method != http.MethodGet || strings.HasPrefix(path, prefix+"/me/sessions")
		if id.App != "" && account {
			return chat.Errorf(chat.Forbidden, "The account is changed in the chat's own pages, not in those of another system.")
		}
		return nil
	}
	need := scopeOf(method, strings.TrimPrefix(path, prefix))
	switch {
	case need == "":
		return chat.Errorf(chat.Forbidden, "API keys may not call this.").Named(chat.ProblemKeyScope)
	case !id.Scopes.Has(need):
		return chat.Errorf(chat.Forbidden, "This API key may not do this: it lacks the scope %s.", need).Named(chat.ProblemKeyScope)
	}
	return nil
}
