package api

import (
	"context"
	"net/http"
	"time"

	"magpie/server/chat"
)

// ShellOrg is the header in which the shell says which organisation it administers.
const ShellOrg = "Magpie-Org"

type shellKey struct{}

// Shell marks what comes over the socket that only the owner of the data folder can open: it speaks for the machine, and may everything.
func Shell(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), shellKey{}, true)))
	})
}

// shell fills in whom the shell speaks for. It reports false for a request that is not the shell's.
func (a *api) shell(r *http.Request, c *caller) (bool, error) {
	if r.Context().Value(shellKey{}) == nil {
		return false, nil
	}
	c.addr, c.Identity = chat.ActorShell, chat.Identity{EID: r.Header.Get(ShellOrg), Role: chat.System}
	if c.EID == "" {
		return true, nil // what concerns the whole server
	}
	o, err := a.Store.Org(r.Context(), c.EID)
	if err == nil && o.Over(time.Now()) {
		err = chat.Errorf(chat.NotFound, "The organisation %s is being deleted.", c.EID)
	}
	return true, err
}
