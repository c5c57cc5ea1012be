package broker

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ServeHTTP takes over a request for a WebSocket (RFC 6455 §4.2) that carries MQTT (MQTT 5 §6).
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if code, text := checkUpgrade(w.Header(), r); code != 0 {
		http.Error(w, text, code)
		return
	}
	origin, ok := l.origin(r)
	if !ok {
		http.Error(w, "Pages of this origin may not connect here. Open the chat at the server's own address, or have an administrator allow the origin.", http.StatusForbidden)
		return
	}
	if !l.admit() {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The server takes no new connections at the moment. Try again in some seconds.", http.StatusServiceUnavailable)
		return
	}
	c := l.hijack(w, r)
	if c == nil {
		l.unverified.Add(-1)
		l.conns.Done()
		return
	}
	c.origin = strings.Clone(origin)
	// A goroutine of its own: with the handler's end net/http's buffers, the request and a grown stack become garbage.
	go l.run(c)
}

// hijack answers the request and takes its connection; nil if it is lost.
func (l *listener) hijack(w http.ResponseWriter, r *http.Request) *conn {
	nc, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		l.opt.log.Error("take over WebSocket connection", "error", err)
		http.Error(w, "The server can't open a WebSocket on this connection. Use HTTP/1.1.", http.StatusInternalServerError)
		return nil
	}
	if buf.Reader.Buffered() > 0 { // it must wait for the answer (RFC 6455 §4.1)
		_ = nc.Close()
		return nil
	}
	_ = nc.SetDeadline(time.Now().Add(l.opt.connectTimeout)) // in the place of the HTTP server's
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = nc.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"))
	if err != nil {
		_ = nc.Close()
		return nil
	}
	_ = nc.SetDeadline(time.Time{})
	c := newConn(nc, true, l)
	if l.opt.address != nil {
		c.remote = strings.Clone(l.opt.address(r)) // not a part of the request's memory
	}
	return c
}

// checkUpgrade checks a request for a WebSocket. It returns 0, or a status and what the client should do.
func checkUpgrade(answer http.Header, r *http.Request) (code int, text string) {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-Websocket-Key"))
	switch {
	case r.Method != http.MethodGet:
		answer.Set("Allow", http.MethodGet)
		return http.StatusMethodNotAllowed, "Open a WebSocket here with GET."
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return http.StatusBadRequest, "Open a WebSocket here with HTTP/1.1."
	case !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket"):
		return http.StatusBadRequest, "This address speaks MQTT over WebSocket. Connect with an MQTT client, for example to ws://host/mqtt; behind a proxy, let it pass on the headers Connection and Upgrade."
	case r.Header.Get("Sec-Websocket-Version") != "13":
		answer.Set("Sec-WebSocket-Version", "13") // RFC 6455 §4.4
		return http.StatusUpgradeRequired, "Use WebSocket version 13."
	case err != nil || len(key) != 16:
		return http.StatusBadRequest, "The header Sec-WebSocket-Key must hold 16 bytes in base64."
	case !hasToken(r.Header, "Sec-Websocket-Protocol", "mqtt"):
		return http.StatusBadRequest, "Ask for the WebSocket subprotocol mqtt."
	}
	return 0, ""
}

// hasToken reports whether a comma-separated header has a token, whatever its case.
func hasToken(h http.Header, name, token string) bool {
	for _, v := range h.Values(name) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// origin returns the origin of the page that a request comes from, where it is another than the server's own, and whether pages of it may connect at all. For
// which app they may is looked at when they sign in. A request without an Origin comes from no page.
func (l *listener) origin(r *http.Request) (string, bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return "", true
	}
	if u, err := url.Parse(origin); err == nil && strings.EqualFold(u.Host, r.Host) {
		return "", true
	}
	if l.opt.origin == nil || origin == "null" {
		return "", false
	}
	ok, err := l.opt.origin(r.Context(), "", origin)
	if err != nil {
		l.opt.log.Error("look for an origin", "error", err)
	}
	return origin, ok && err == nil
}
